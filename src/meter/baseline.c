/* baseline.c: how sure it is what a request would have cost elsewhere.
 *
 * Lengths of answers to one kind of task spread about as widely as they are long: their
 * standard deviation is taken as their mean (exponential). The expected length is a
 * mean of what was seen and of what the catalogue says, which counts as PRIOR answers
 * do (route/cost.c), so its standard error is one by the root of both together. */
#include <math.h>

#include "stage/meter.h"

#define PPM   1000000
#define PRIOR 20.0
/* Of the normal distribution, two-sided. */
#define Z_95 1.96

void
baseline_error(int64_t baseline_pusd, uint32_t output_ppm, uint32_t samples,
    struct pusd_sum *bias, struct pusd_sum *var)
{
	wide output = (wide)baseline_pusd * output_ppm / PPM;

	if (output <= 0 || output > INT64_MAX)
		return;
	bias->v += (wide)((double)output / sqrt((double)samples + PRIOR));
	var->v += output * output / PUSD_PER_USD;
}

struct pusd_sum
baseline_half_95(struct pusd_sum bias, struct pusd_sum var)
{
	double together = (double)bias.v;
	double apart = sqrt((double)var.v * (double)PUSD_PER_USD);

	return (struct pusd_sum){(wide)(Z_95 * hypot(together, apart))};
}
