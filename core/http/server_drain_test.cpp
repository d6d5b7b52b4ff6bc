// How a server ends: drained, closed, or destroyed, whatever its connections are at.
#include <string>

#include "core/http/server_testing.h"

using namespace swage;
using namespace swage::http;
using namespace swage::http::testing;

TEST_CASE("http server: it may end with connections at any place") {
  const std::string said = "POST /never HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc" + get("/");
  for (std::size_t cut = 0; cut <= said.size(); cut += 5) {
    Bench bench;
    std::string answer;
    const auto flow = [](Bench& b, std::string text, std::string& all) -> Task<> {
      TcpStream stream(b.loop);
      co_await stream.connect(b.at);
      if (!text.empty()) co_await stream.write(as_bytes(text));
      co_await async::sleep(b.loop, 2ms);
      b.server.reset();
      co_await read_all(stream, all);
    };
    bench.run(flow(bench, said.substr(0, cut), answer));
    CHECK((answer.empty() || answer == "<error>"));
  }
  Bench bench;  // and while a response is written, or the client is waited for
  for (const char* path : {"/big", "/close"}) {
    const auto flow = [](Bench& b, std::string text) -> Task<> {
      TcpStream stream(b.loop);
      co_await stream.connect(b.at);
      co_await stream.write(as_bytes(text));
      co_await async::sleep(b.loop, 20ms);
    };
    bench.run(flow(bench, get(path)));
  }
}

namespace {

// Says `first`, and `second` when `rest` is set.
Task<> ask_in_two(Bench& b, Event& rest, std::string first, std::string second, std::string& answer) {
  TcpStream stream(b.loop);
  co_await stream.connect(b.at);
  if (!first.empty()) co_await stream.write(as_bytes(first));
  co_await rest.wait();
  co_await stream.write(as_bytes(second));
  co_await read_all(stream, answer);
}

}  // namespace

TEST_CASE("http server: drain") {
  Limits limits;
  limits.grace_time = 1s;
  Bench bench(limits);
  const auto flow = [](Bench& b, std::vector<std::string>& answers) -> Task<> {
    Event rest(b.loop);
    const std::string half = get("/echo");
    Said busy_said{{get("/slow") + get("/echo")}}, idle_said{{get("/")}};
    b.loop.spawn(talk(b, busy_said, answers[0]));
    b.loop.spawn(talk(b, idle_said, answers[1]));
    b.loop.spawn(talk(b, Said(), answers[2]));
    b.loop.spawn(ask_in_two(b, rest, half.substr(0, 20), half.substr(20), answers[3]));
    const bool all = co_await eventually(b.loop, [&b] { return b.server->connections() == 4 && b.asked == 2; });
    CHECK(all);
    co_await async::sleep(b.loop, 1050ms);
    CHECK(b.server->connections() == 4);
    b.server->drain();
    const bool idle_ended = co_await eventually(b.loop, [&b] { return b.server->connections() == 2; });
    CHECK(idle_ended);
    CHECK_FALSE(b.server->drained().is_set());
    TcpStream refused(b.loop);
    const Result<> connected = co_await refused.connect(b.at);
    CHECK_FALSE(connected.has_value());
    b.release.set();
    rest.set();
    const bool drained = co_await async::wait_for(b.server->drained(), 5s);
    CHECK(drained);
    CHECK(b.server->connections() == 0);
    co_await eventually(b.loop, [&answers] { return !answers[3].empty(); });
  };
  std::vector<std::string> answers(4);
  bench.run(flow(bench, answers));
  CHECK(undated(answers[0]) == ok("", kCloses));
  CHECK(undated(answers[1]) == ok(""));
  CHECK(answers[2].empty());
  CHECK(undated(answers[3]) == ok("GET /echo ", kCloses));
}

// A handshake takes two requests, and a connection may have been accepted before its first one came.
TEST_CASE("http server: drain: requests that are on their way are answered") {
  Limits limits;
  limits.grace_time = 2s;
  Bench bench(limits);
  const auto flow = [](Bench& b, std::vector<std::string>& answers) -> Task<> {
    Event rest(b.loop);
    b.loop.spawn(ask_in_two(b, rest, get("/"), get("/echo"), answers[0]));
    b.loop.spawn(ask_in_two(b, rest, "", get("/echo"), answers[1]));
    b.loop.spawn(talk(b, Said(), answers[2]));
    const bool begun = co_await eventually(b.loop, [&b] { return b.server->connections() == 3 && b.asked == 1; });
    CHECK(begun);
    b.server->drain();
    co_await async::sleep(b.loop, 200ms);
    CHECK(b.server->connections() == 3);
    rest.set();
    const bool answered = co_await eventually(b.loop, [&b] { return b.server->connections() == 1 && b.asked == 3; });
    CHECK(answered);
    const bool drained = co_await async::wait_for(b.server->drained(), 2400ms);  // nobody is waited for any longer
    CHECK(drained);
    co_await async::sleep(b.loop, 20ms);
  };
  std::vector<std::string> answers(3);
  bench.run(flow(bench, answers));
  CHECK(undated(answers[0]) == ok("") + ok("GET /echo ", kCloses));
  CHECK(undated(answers[1]) == ok("GET /echo ", kCloses));
  CHECK(answers[2].empty());
}

TEST_CASE("http server: drain of nothing, and twice") {
  Bench bench;
  CHECK_FALSE(bench.server->drained().is_set());
  bench.server->drain();
  CHECK(bench.server->drained().is_set());
  bench.server->drain();
  bench.server->close();
}

TEST_CASE("http server: close ends all, and handlers learn it") {
  Bench bench;
  std::string answer;
  const auto flow = [](Bench& b, std::string& all) -> Task<> {
    b.loop.spawn(talk(b, Said{{get("/gone")}}, all));
    co_await eventually(b.loop, [&b] { return b.asked == 1; });
    b.server->close();
    const bool drained = co_await async::wait_for(b.server->drained(), 5s);
    CHECK(drained);
    CHECK(b.gone == 1);
  };
  bench.run(flow(bench, answer));
}
