#!/usr/bin/env bash
# Ten thousand random days of budgets, without the sanitizers that let the unit tests have fewer.
exec "$(dirname "$FRUGALD")/test_budget_sim" 10000
