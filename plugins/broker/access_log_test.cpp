#include "plugins/broker/access_log.h"

#include <catch2/catch.hpp>

using namespace swage::plugins::broker;
using namespace std::chrono_literals;

TEST_CASE("broker: durations as Go prints them") {
  struct Case {
    std::chrono::nanoseconds duration;
    const char* text;
  };
  const Case cases[] = {
      {0ns, "0s"},
      {1ns, "1ns"},
      {999ns, "999ns"},
      {1000ns, "1µs"},
      {1100ns, "1.1µs"},
      {80250ns, "80.25µs"},
      {999999ns, "999.999µs"},
      {1ms, "1ms"},
      {212400us, "212.4ms"},
      {1234567ns, "1.234567ms"},
      {1s, "1s"},
      {15003ms, "15.003s"},
      {1000000001ns, "1.000000001s"},
      {60s, "1m0s"},
      {62500ms, "1m2.5s"},
      {3600s, "1h0m0s"},
      {90061s, "25h1m1s"},
  };
  for (const Case& each : cases) CHECK(go_duration(each.duration) == each.text);
}

TEST_CASE("broker: a line for a request has what p2p-forge's has, and nothing that breaks it") {
  CHECK(access_line("POST", "/v1/_acme-challenge", 200, 212400us, "kubo/0.33.0") ==
        "POST /v1/_acme-challenge (status=200 dt=212.4ms ua=\"kubo/0.33.0\")");
  CHECK(access_line("GET", "/?a=b", 404, 1ms, "") == "GET /?a=b (status=404 dt=1ms ua=\"\")");
  CHECK(access_line("GET", "/a\x1b[2Jb c", 404, 1ms, "a\"b\\c\n\x1b\xff") ==
        "GET /a?[2Jb?c (status=404 dt=1ms ua=\"a\\\"b\\\\c\\x0a\\x1b\\xff\")");
}
