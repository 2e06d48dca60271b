/* window.c: how much there was in the last minute. */
#include "limit.h"

void
window_turn(struct window *w, int64_t now_ns)
{
	int64_t second = now_ns / NS_PER_S;

	/* Then every slot is empty: there is less than nothing in none. */
	if (w->sum == 0 && w->second < second)
		w->second = second;
	for (int64_t i = 0; i < WINDOW_SLOTS && w->second < second; i++) {
		int64_t *gone =
		    &w->at[(w->second + 1 - WINDOW_SECONDS - 1) & (WINDOW_SLOTS - 1)];

		w->second++;
		w->sum -= *gone;
		*gone = 0;
	}
	/* After as many steps all of it is gone. */
	if (w->second < second)
		w->second = second;
}

int64_t
window_add(struct window *w, int64_t n)
{
	w->at[w->second & (WINDOW_SLOTS - 1)] += n;
	w->sum += n;
	w->last = w->second;
	return w->second;
}

void
window_give_back(struct window *w, int64_t second, int64_t n)
{
	if (w->second - second > WINDOW_SECONDS)
		return;
	w->at[second & (WINDOW_SLOTS - 1)] -= n;
	w->sum -= n;
}

int64_t
window_wait_ms(const struct window *w, int64_t n, int64_t now_ns)
{
	int64_t second = w->second - WINDOW_SECONDS, wait_ms;

	if (n <= 0)
		return 0;
	for (; second < w->second; second++) {
		n -= w->at[second & (WINDOW_SLOTS - 1)];
		if (n <= 0)
			break;
	}
	wait_ms = (second + WINDOW_SECONDS + 1) * 1000 - now_ns / NS_PER_MS;
	return wait_ms > 1 ? wait_ms : 1;
}
