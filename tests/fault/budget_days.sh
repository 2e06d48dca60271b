#!/usr/bin/env bash
# Ten thousand random days of budgets; the unit tests have fewer, for the sanitizers' sake.
exec "$(dirname "$FRUGALD")/test_budget_sim" 10000
