#include "plugins/broker/access_log.h"

#include <algorithm>

#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
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

TEST_CASE("broker: strangers cannot fill the log with requests") {
  http::Request request;
  request.method = std::string(3000, 'M');
  request.target = "/" + std::string(10'000, 't');
  request.fields.add("User-Agent", std::string(10'000, '\xff'));
  AccessLog access("acme");
  tests::LogCapture log;
  AccessLog::Request(access, request).answered(404);
  const std::string line = log.take();
  CHECK(line.starts_with("[INFO] plugin/acme: MMM"));
  CHECK(line.ends_with("\\xff\")\n"));
  CHECK(line.size() < 2000);
  for (int i = 0; i < 5000; ++i) AccessLog::Request(access, request).answered(404);
  const std::string all = log.take();
  CHECK(std::count(all.begin(), all.end(), '\n') <= 3000);  // of two seconds, or three
  AccessLog silent;
  AccessLog::Request(silent, request).answered(404);
  CHECK(log.take().empty());
}

TEST_CASE("broker: of the lines of a second those that are too many are counted") {
  tests::LogCapture log;
  LineLimit lines("acme", 2);
  CHECK(lines.may_log(5000));
  CHECK(lines.may_log(5999));
  CHECK_FALSE(lines.may_log(5999));
  CHECK_FALSE(lines.may_log(5999));
  CHECK(log.take().empty());
  CHECK(lines.may_log(6000));
  CHECK(log.take() == "[WARNING] plugin/acme: 2 more lines were not logged\n");
}
