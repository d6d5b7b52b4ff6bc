// A server as its clients see it: what they send, what comes back; how it bounds them.
#include "core/http/server.h"

#include <string>

#include "core/http/server_testing.h"

using namespace swage;
using namespace swage::http;
using namespace swage::http::testing;

namespace {

std::string refused(const std::string& status, const std::string& text) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(text.size() + 1) + "\r\n" +
         kCloses + "\r\n" + text + "\n";
}

std::string some_beginning(std::size_t number) {
  const std::string beginnings[] = {get("/"), "GET", get("/never"), get("/gone"), "x\n", ""};
  return beginnings[number % std::size(beginnings)];
}

Limits quick() {
  Limits limits;
  limits.header_time = limits.body_time = limits.write_time = 300ms;
  limits.idle_time = 400ms;
  return limits;
}

}  // namespace

TEST_CASE("http server: what is asked and answered") {
  const struct {
    std::string said, answer;
  } cases[] = {
      {get("/echo?x", kCloses), ok("GET /echo?x ", kCloses)},
      {get("/echo") + get("//v1/x") + get("/close"), ok("GET /echo ") + ok("") + ok("", kCloses)},
      {get("/echo", kCloses) + get("/echo"), ok("GET /echo ", kCloses)},
      {"HEAD /echo HTTP/1.1\r\n" + kHost + kCloses + "\r\n", kOk + "Content-Length: 11\r\n" + kCloses + "\r\n"},
      {"OPTIONS * HTTP/1.1\r\n" + kHost + kCloses + "\r\n", ok("", kCloses)},
      {get("/204", kCloses), "HTTP/1.1 204 No Content\r\n" + kCloses + "\r\n"},
      {get("/304", kCloses), "HTTP/1.1 304 Not Modified\r\n" + kCloses + "\r\n"},
      {"GET /echo HTTP/1.0\r\n\r\n", ok("GET /echo ", kCloses)},
      {"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /echo HTTP/1.0\r\n\r\n",
       ok("GET /echo ", "Connection: keep-alive\r\n") + ok("GET /echo ", kCloses)},
      {"POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc" + get("/x", kCloses),
       ok("POST /echo abc") + ok("", kCloses)},
      {"POST /echo HTTP/1.1\r\n" + kHost +
           "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: t\r\n\r\n" + get("/x", kCloses),
       ok("POST /echo abc") + ok("", kCloses)},
      {"POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 16385\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 11\r\n" + kCloses + "\r\nPOST /echo "},
      {"x\n", refused("400 Bad Request", "malformed request")},
      {get("/echo") + "x\n", ok("GET /echo ") + refused("400 Bad Request", "malformed request")},
      {"GET / HTTP/1.1\r\n\r\n", refused("400 Bad Request", "one Host is required")},
      {get("/", "Transfer-Encoding: gzip\r\n"), refused("501 Not Implemented", "transfer coding not implemented")},
      {"GET / HTTP/3.0\r\n\r\n", refused("505 HTTP Version Not Supported", "HTTP version not supported")},
      {"GET /" + std::string(17000, 'x'), refused("431 Request Header Fields Too Large", "request header too large")},
      {"POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nx\r\n" + get("/"),
       refused("400 Bad Request", "malformed body")},
  };
  for (const auto& [said, answer] : cases) {
    INFO(said);
    Bench bench;
    CHECK(ask(bench, {{said}}) == answer);
    CHECK(ask(bench, {{said}, true}) == answer);  // a client that half-closes gets it, too
    if (said.size() > 1000) continue;
    for (std::size_t cut = 1; cut < said.size(); ++cut) {
      CHECK(ask(bench, {{said.substr(0, cut), said.substr(cut)}}) == answer);
    }
  }
}

TEST_CASE("http server: responses are dated") {
  Bench bench;
  std::string answer;
  bench.run(talk(bench, Said{{get("/", kCloses)}}, answer));
  CHECK(answer.find("\r\nDate: ") != std::string::npos);
  CHECK(answer.find(" GMT\r\n") != std::string::npos);
}

TEST_CASE("http server: 100 Continue, for who asks") {
  Bench bench;
  const std::string head =
      "POST /echo HTTP/1.1\r\n" + kHost + kCloses + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  const std::string answer = ok("POST /echo ab", kCloses);
  CHECK(ask(bench, {{head, "a", "b"}, false, 20ms}) == "HTTP/1.1 100 Continue\r\n\r\n" + answer);
  CHECK(ask(bench, {{head + "ab"}}) == answer);
}

TEST_CASE("http server: a hundred requests at once") {
  Bench bench;
  std::string said, answer;
  for (int i = 0; i < 100; ++i) {
    said += get("/echo?" + std::to_string(i));
    answer += ok("GET /echo?" + std::to_string(i) + " ");
  }
  CHECK(ask(bench, {{said}, true}) == answer);
  CHECK(ask(bench, {{said + get("/", kCloses)}}) == answer + ok("", kCloses));
}

TEST_CASE("http server: more than is read ahead, while a request is answered") {
  Bench bench;
  std::string said = get("/slow");
  for (int i = 0; i < 1500; ++i) said += get("/");
  std::string answer;
  const auto flow = [](Bench& b, std::string text, std::string& all) -> Task<> {
    TcpStream stream(b.loop);
    co_await stream.connect(b.at);
    co_await stream.write(as_bytes(text));
    co_await async::sleep(b.loop, 50ms);
    b.release.set();
    stream.end_writing();
    co_await read_all(stream, all);
  };
  bench.run(flow(bench, said, answer));
  std::string expected = ok("");
  for (int i = 0; i < 998; ++i) expected += ok("");
  CHECK(undated(answer) == expected + ok("", kCloses));  // Limits::requests
}

TEST_CASE("http server: a body that is too large is answered, and read no further") {
  Bench bench;
  const std::string body(900'000, 'x');
  const std::string answer = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 11\r\n" + kCloses + "\r\nPOST /echo ";
  const std::string head = "POST /echo HTTP/1.1\r\n" + kHost;
  CHECK(ask(bench, {{head + "Content-Length: 900000\r\n\r\n" + body}}) == answer);
  CHECK(ask(bench, {{head + "Content-Length: 900000\r\n\r\n", body.substr(0, 100), body}, false, 5ms}) == answer);
  CHECK(ask(bench, {{head + "Transfer-Encoding: chunked\r\n\r\n4000\r\n" + body.substr(0, 0x4000) + "\r\n1\r\n"}}) ==
        answer);
  CHECK(ask(bench, {{head + "Transfer-Encoding: chunked\r\n\r\nfffff\r\n" + body}}) == answer);
}

TEST_CASE("http server: slow clients are cut off, however they drip") {
  const std::string late = refused("408 Request Timeout", "the request came too slowly");
  const std::string body = "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 1000\r\n\r\n";
  const auto drip = [](std::string first) {
    Said said{{std::move(first)}, false, 20ms};
    for (int i = 0; i < 50; ++i) said.pieces.emplace_back("x");
    return said;
  };
  const struct {
    Said said;
    std::string answer;
  } cases[] = {
      {{}, ""},
      {drip(get("/").substr(0, 20)), late},
      {drip(body), late},
      {{{get("/")}}, ok("")},  // idle behind it
      {{{get("/") + "G"}}, ok("") + late},
      {{{get("/") + body}}, ok("") + late},
      {{{"POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n1\r\nx"}}, late},
  };
  for (const auto& [said, answer] : cases) {
    Bench bench(quick());
    const std::int64_t start = bench.loop.now();
    CHECK(ask(bench, said) == answer);
    const std::int64_t milliseconds = (bench.loop.now() - start) / 1'000'000;
    CHECK(milliseconds >= 95);
    CHECK(milliseconds < 3000);
    CHECK(bench.server->connections() <= 1);
  }
}

TEST_CASE("http server: who does not read the response is cut off") {
  Bench bench(quick());
  const auto flow = [](Bench& b) -> Task<> {
    TcpStream stream(b.loop);
    co_await stream.connect(b.at);
    const std::string request = get("/big");
    co_await stream.write(as_bytes(request));
    co_await eventually(b.loop, [&b] { return b.server->connections() == 1 && b.asked == 1; });
    const bool cut = co_await eventually(b.loop, [&b] { return b.server->connections() == 0; });
    CHECK(cut);
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: the handler learns that the client is gone") {
  enum { closes, resets, half_closes, closes_behind_others };
  for (const int how : {closes, resets, half_closes, closes_behind_others}) {
    INFO("case " << how);
    Bench bench;
    std::string answer;
    const auto flow = [](Bench& b, int way, std::string& all) -> Task<> {
      auto stream = std::make_unique<TcpStream>(b.loop);
      co_await stream->connect(b.at);
      std::string request = get("/gone");
      if (way == closes_behind_others) request = get("/") + request + get("/");
      if (way == resets) request = get("/") + get("/") + request;
      co_await stream->write(as_bytes(request));
      co_await async::sleep(b.loop, 20ms);
      CHECK(b.gone == 0);
      if (way == half_closes) {
        stream->end_writing();
        co_await read_all(*stream, all);
      }
      stream.reset();  // with bytes that were not read: a reset
      const bool seen = co_await eventually(b.loop, [&b] { return b.gone == 1 && b.server->connections() == 0; });
      CHECK(seen);
    };
    bench.run(flow(bench, how, answer));
    CHECK(undated(answer) == (how == half_closes ? ok("") : ""));
    CHECK(bench.last_gone);
  }
}

TEST_CASE("http server: a thousand connections come and go") {
  Limits limits;
  limits.of_network = 2000;
  Bench bench(limits);
  const auto once = [](Bench& b, std::size_t count) -> Task<> {
    std::vector<std::unique_ptr<TcpStream>> streams;
    for (std::size_t i = 0; i < count; ++i) {
      streams.push_back(std::make_unique<TcpStream>(b.loop));
      const Result<> connected = co_await streams.back()->connect(b.at);
      REQUIRE(connected.has_value());
      const std::string said = some_beginning(i);
      if (!said.empty()) co_await streams.back()->write(as_bytes(said));
    }
    streams.clear();
    const auto over = [&b] { return b.never.is_set() ? b.server->connections() == 0 : b.server->connections() <= 9; };
    const bool all = co_await eventually(b.loop, over);
    CHECK(all);
  };
  bench.run(once(bench, 50));
  bench.never.set();
  bench.run(once(bench, 50));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 10; ++i) bench.run(once(bench, 100));
  const auto settle = [](Bench& b) -> Task<> {
    co_await eventually(b.loop, [&b] { return b.server->connections() == 0; });
  };
  bench.run(settle(bench));
  CHECK(bench.server->connections() == 0);
  CHECK(open_descriptors() == before);
}

TEST_CASE("http server: too many connections: who is idle for longest makes room") {
  Limits limits;
  limits.connections = 3;
  Bench bench(limits);
  const auto flow = [](Bench& b) -> Task<> {
    std::string busy, first, second, third, fourth;
    b.loop.spawn(talk(b, Said{{get("/slow")}}, busy));
    co_await eventually(b.loop, [&b] { return b.asked == 1; });
    b.loop.spawn(talk(b, Said{{get("/")}}, first));
    co_await eventually(b.loop, [&b] { return b.asked == 2; });
    b.loop.spawn(talk(b, Said{{get("/")}}, second));
    co_await eventually(b.loop, [&b] { return b.asked == 3; });
    CHECK(b.server->connections() == 3);
    b.loop.spawn(talk(b, Said{{get("/slow")}}, third));
    co_await eventually(b.loop, [&b] { return b.asked == 4; });
    b.loop.spawn(talk(b, Said{{get("/slow")}}, fourth));
    co_await eventually(b.loop, [&b] { return b.asked == 5; });
    CHECK(b.server->connections() == 3);
    std::string fifth;
    const Said one_more{{get("/")}};
    co_await talk(b, one_more, fifth);  // all are at work
    CHECK((fifth.empty() || fifth == "<error>"));
    CHECK(b.asked == 5);
    b.release.set();
    b.server->drain();
    co_await b.server->drained().wait();
    co_await async::sleep(b.loop, 20ms);
    CHECK(undated(busy) == ok("", kCloses));
    CHECK(undated(first) == ok(""));
    CHECK(undated(second) == ok(""));
    CHECK(undated(third) == ok("", kCloses));
    CHECK(undated(fourth) == ok("", kCloses));
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: too many connections: who does not read makes room, too") {
  Limits limits;
  limits.connections = 1;
  Bench bench(limits);
  const auto flow = [](Bench& b) -> Task<> {
    TcpStream deaf(b.loop);
    co_await deaf.connect(b.at);
    const std::string request = get("/big");
    co_await deaf.write(as_bytes(request));
    co_await eventually(b.loop, [&b] { return b.asked == 1; });
    co_await async::sleep(b.loop, 20ms);
    std::string answer;
    const Said said{{get("/echo", kCloses)}};
    co_await talk(b, said, answer);
    CHECK(undated(answer) == ok("GET /echo ", kCloses));
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: requests that are not finished hold so much and no more; who waits for longest makes room") {
  Limits limits;
  limits.held = 100'000;
  Bench bench(limits);
  const auto flow = [](Bench& b) -> Task<> {
    const std::string part = "GET / HTTP/1.1\r\n" + kHost + "X: " + std::string(10'000, 'x');
    std::vector<std::string> answers(20);
    for (std::string& answer : answers) {
      Said said{{part}};
      b.loop.spawn(talk(b, std::move(said), answer));
    }
    const auto few = [&b] { return b.server->connections() >= 1 && b.server->connections() <= 5; };
    co_await async::sleep(b.loop, 100ms);
    const bool bounded = co_await eventually(b.loop, few);
    CHECK(bounded);
    std::string other;
    const Said whole{{get("/echo", kCloses)}};
    co_await talk(b, whole, other);
    CHECK(undated(other) == ok("GET /echo ", kCloses));
    b.server->close();
    co_await b.server->drained().wait();
    co_await async::sleep(b.loop, 50ms);
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: those who are told of refusals hear the status and why") {
  Bench bench;
  std::vector<std::string> heard;
  bench.server->on_refusal([&heard](const IpAddress& from, unsigned status, std::string_view why) {
    heard.push_back(from.to_string() + " " + std::to_string(status) + " " + std::string(why));
  });
  ask(bench, {{"GET / HTTP/1.1\r\n\r\n"}});
  ask(bench, {{"nonsense\r\n\r\n"}});
  ask(bench, {{get("/echo", kCloses)}});
  CHECK(heard == std::vector<std::string>{"127.0.0.1 400 one Host is required", "127.0.0.1 400 malformed request"});
}

TEST_CASE("http server: who sends many requests at once gets one answer each turn, as everybody") {
  Bench bench;
  const auto flow = [](Bench& b) -> Task<> {
    TcpStream greedy(b.loop), modest(b.loop);
    co_await greedy.connect(b.at);
    co_await modest.connect(b.at);
    co_await eventually(b.loop, [&b] { return b.server->connections() == 2; });
    std::string many;
    for (int i = 0; i < 200; ++i) many += get("/echo");
    const std::string one = get("/echo");
    co_await greedy.write(as_bytes(many));
    co_await modest.write(as_bytes(one));
    std::vector<std::uint8_t> buffer(65536);
    const Result<std::size_t> size = co_await modest.read(buffer);
    CHECK((size && *size > 0));
    CHECK(b.asked < 20);
    const bool all = co_await eventually(b.loop, [&b] { return b.asked == 201; });
    CHECK(all);
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: a network has only so many connections, a proxy's more; who waits for longest makes room") {
  for (const bool proxy : {false, true}) {
    Limits limits;
    limits.of_network = 2;
    if (proxy) limits.proxies.push_back(*Prefix::parse("127.0.0.0/8"));
    Bench bench(limits);
    const auto flow = [](Bench& b, std::size_t most) -> Task<> {
      TcpStream one(b.loop), two(b.loop), three(b.loop), four(b.loop);
      co_await one.connect(b.at);
      co_await async::sleep(b.loop, 20ms);
      co_await two.connect(b.at);
      co_await async::sleep(b.loop, 20ms);
      co_await three.connect(b.at);
      co_await async::sleep(b.loop, 20ms);
      CHECK(b.server->connections() == most);
      three.close();
      co_await async::sleep(b.loop, 20ms);
      CHECK(b.server->connections() == most - 1);
      co_await four.connect(b.at);
      co_await async::sleep(b.loop, 20ms);
      CHECK(b.server->connections() == most);
      std::string answer;
      const Said said{{get("/echo", kCloses)}};
      co_await talk(b, said, answer);
      CHECK(undated(answer) == ok("GET /echo ", kCloses));
    };
    bench.run(flow(bench, proxy ? 3 : 2));
  }
}

TEST_CASE("http server: a network whose requests are all at work gets no more connections") {
  Limits limits;
  limits.of_network = 2;
  Bench bench(limits);
  const auto flow = [](Bench& b) -> Task<> {
    std::string first, second, third;
    b.loop.spawn(talk(b, Said{{get("/slow")}}, first));
    b.loop.spawn(talk(b, Said{{get("/slow")}}, second));
    co_await eventually(b.loop, [&b] { return b.asked == 2; });
    const Said one_more{{get("/")}};
    co_await talk(b, one_more, third);
    CHECK((third.empty() || third == "<error>"));
    CHECK(b.asked == 2);
    CHECK(b.server->connections() == 2);
    b.release.set();
    b.server->drain();
    co_await b.server->drained().wait();
    co_await async::sleep(b.loop, 20ms);
    CHECK(undated(first) == ok("", kCloses));
    CHECK(undated(second) == ok("", kCloses));
  };
  bench.run(flow(bench));
}
