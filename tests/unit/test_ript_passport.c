/* SPDX-License-Identifier: MIT */
/* POST {TG}/calls with real PASSporTs and a real `origins` certificate. */
#include "tests/unit/ript_lab.h"
#include "tests/unit/stir_made.h"

#include "base/mem.h"

static struct stir stir;

static int setup(void **state)
{
	struct lab *lab = lab_new();
	struct ript_tg_config config;

	*state = lab;
	stir_make(&stir);
	lab_tg_config(&config);
	config.trust = stir.trust;
	config.origins_pem = stir.pem;
	ript_tg_update(lab->tg, &config);
	lab_tg_config_free(&config);
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	lab_free(&lab);
	stir_remove(&stir);
	return 0;
}

static struct exchange *post(struct lab *lab, const char *destination,
			     const char *jws)
{
	char *json = xasprintf("{\"handler\":\"%s\",\"destination\":\"%s\","
			       "\"passport\":\"%s\"}", lab_handler(lab),
			       destination, jws);
	struct exchange *x = lab_ask(lab, "POST", LAB_TG "/calls", json);

	free(json);
	lab_turn(lab);
	return x;
}

static char *sign(const char *orig, const char *dest, uint64_t at_ms)
{
	char *jws;

	assert_int_equal(passport_sign(&jws, stir.signer, orig, dest, at_ms),
			 0);
	return jws;
}

static void admits_a_verified_caller(void **state)
{
	struct lab *lab = *state;
	char *jws = sign(STIR_CALLER, LAB_TO, loop_wall_ms(lab->loop));
	struct exchange *x = post(lab, LAB_TO, jws);

	assert_int_equal(fake_status(x), 201);
	assert_string_equal(lab_text(x, "from"), STIR_CALLER);
	assert_string_equal(lab_text(x, "to"), LAB_TO);
	assert_string_equal(lab_text(x, "passport"), jws);
	/* again within its time: allowed (Q79) */
	assert_int_equal(fake_status(post(lab, LAB_TO, jws)), 201);
	free(jws);
}

static void refuse(struct lab *lab, const char *destination, char *jws,
		   const char *why)
{
	struct exchange *x = post(lab, destination, jws);

	assert_problem(x, 403, "bad-passport");
	assert_string_equal(lab_text(x, "detail"), why);
	free(jws);
}

static void refuses_everybody_else(void **state)
{
	struct lab *lab = *state;
	uint64_t now = loop_wall_ms(lab->loop);
	char *jws = sign(STIR_CALLER, LAB_TO, now);
	char *last = jws + strlen(jws) - 2;

	*last = *last == 'A' ? 'B' : 'A';
	refuse(lab, LAB_TO, jws, "passport-signature");
	refuse(lab, LAB_TO, sign(STIR_CALLER, LAB_TO, now - 62000),
	       "passport-stale");
	refuse(lab, LAB_TO, sign(STIR_CALLER, LAB_TO, now + 63000),
	       "passport-stale");
	refuse(lab, LAB_TO, sign(STIR_CALLER, "+14085550000", now),
	       "passport-dest");
	refuse(lab, LAB_TO, xstrdup("nonsense"),
	       "passport-unparsable");
	assert_int_equal(lab->incoming_cnt, 0);
	shows("RIPT-CA-10");
	shows("RIPT-REQ-10");
}

/* The certificate in the document vouches for the numbers, and for no
 * others. */
static void shows_its_certificate(void **state)
{
	struct lab *lab = *state;
	struct exchange *x = lab_ask(lab, "GET", LAB_TG, NULL);
	struct json_object *json = lab_json(x), *out, *origins;
	const char *pem;

	json_object_object_get_ex(json, "outbound", &out);
	assert_true(json_object_object_get_ex(out, "origins", &origins));
	pem = json_object_get_string(origins);
	assert_string_equal(pem, stir.pem);
	assert_true(tnauthlist_covers_pem(pem, STIR_CALLER));
	assert_true(tnauthlist_covers_pem(pem, "+14085559999"));
	assert_false(tnauthlist_covers_pem(pem, "+14085560000"));
	assert_false(tnauthlist_covers_pem(pem, "+12125551000"));
	json_object_put(json);
	shows("RIPT-TD-05");
}

int main(void)
{
#define LAB_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		LAB_TEST(admits_a_verified_caller),
		LAB_TEST(refuses_everybody_else),
		LAB_TEST(shows_its_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
