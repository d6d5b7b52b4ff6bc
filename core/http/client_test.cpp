// exchange() against a Server and against others; the Server over TLS; curl against both.
#include "core/http/client.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/async/tls.h"
#include "core/async/tls_testing.h"
#include "core/async/work.h"
#include "core/http/server_testing.h"

using namespace swage;
using namespace swage::http;
using namespace swage::http::testing;
using async::TlsContext;
using async::TlsSide;
using async::TlsStream;

namespace {

const std::string kGet = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";

// What the other side of a plain socket sends, whatever it is asked; then it closes.
Result<Received> exchange_with(const std::string& request, const std::string& response, ClientLimits limits = {}) {
  Loop loop;
  async::testing::Connection connection(loop);
  REQUIRE(::write(connection.other, response.data(), response.size()) == static_cast<ssize_t>(response.size()));
  REQUIRE(::shutdown(connection.other, SHUT_WR) == 0);
  return async::testing::run(loop, http::exchange(*connection.stream, request, limits));
}

Task<> check_reuse(Bench& bench, async::Stream& stream) {
  const std::string head = "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string last = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab";
  for (int i = 0; i < 3; ++i) {
    const Result<Received> response = co_await http::exchange(stream, kGet);
    REQUIRE(response.has_value());
    CHECK(response->status == 200);
    CHECK(response->body == "GET /echo ");
    CHECK(response->reusable);
    const Result<Received> to_head = co_await http::exchange(stream, head);
    REQUIRE(to_head.has_value());
    CHECK(to_head->fields.find("content-length") == "11");
    CHECK(to_head->body.empty());
    CHECK(to_head->reusable);
  }
  CHECK(bench.server->connections() == 1);
  const Result<Received> response = co_await http::exchange(stream, last);
  REQUIRE(response.has_value());
  CHECK(response->body == "POST /echo ab");
  CHECK_FALSE(response->reusable);
}

Task<> check_tcp(Bench& bench) {
  TcpStream stream(bench.loop);
  co_await stream.connect(bench.at);
  co_await check_reuse(bench, stream);
}

Task<std::unique_ptr<TlsStream>> connect_tls(Bench& bench, TlsContext context) {
  auto tcp = std::make_unique<TcpStream>(bench.loop);
  co_await tcp->connect(bench.at);
  auto tls = std::make_unique<TlsStream>(bench.loop, std::move(tcp), context, TlsSide::client, "example.com");
  const Result<> done = co_await tls->handshake();
  REQUIRE(done.has_value());
  co_return tls;
}

struct Secured : Bench {
  explicit Secured(Limits limits = {}) : Bench(std::move(limits)) {
    auto context = TlsContext::server(identity.certificate_pem, identity.key_pem, {"http/1.1"});
    REQUIRE(context.has_value());
    server->use(*context);
  }
  [[nodiscard]] TlsContext client() const { return *TlsContext::client(identity.certificate_pem, {"http/1.1"}); }

  async::testing::TlsIdentity identity = async::testing::make_tls_identity("DNS:example.com");
};

// What a command prints, and its status.
struct Printed {
  std::string text;
  int status = -1;
};

Printed print(const std::string& command) {
  Printed printed;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe)) printed.text.append(buffer, size);
  printed.status = pclose(pipe);
  return printed;
}

Task<> print_meanwhile(Loop& loop, std::string command, Printed& printed) {
  const auto call = [&command] { return print(command); };
  printed = co_await async::work(loop, call);
}

}  // namespace

TEST_CASE("http client: exchanges on one connection") {
  Bench bench;
  bench.run(check_tcp(bench));
}

TEST_CASE("http client: what is left over spoils the connection") {
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  CHECK(exchange_with(kGet, response)->reusable);
  CHECK_FALSE(exchange_with(kGet, response + "x")->reusable);
  CHECK(exchange_with(kGet, response + response)->body == "ab");
  CHECK(exchange_with(kGet, "HTTP/1.1 200 OK\r\n\r\nuntil the end")->body == "until the end");
  CHECK_FALSE(exchange_with(kGet, "HTTP/1.1 200 OK\r\n\r\n")->reusable);
  CHECK(exchange_with("HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")->reusable);
}

TEST_CASE("http client: what is no response, or too much of one") {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string responses[] = {"",
                                   "HTTP/1.1 2",
                                   head + "Content-Length: 2\r\n\r\na",
                                   "SSH-2.0-x\r\n",
                                   head + "Content-Length: 5\r\n\r\nabcde",
                                   head + "\r\nabcde",
                                   head + "X: 2345678901234567890123456789\r\n\r\n"};
  for (const std::string& response : responses) {
    INFO(response);
    CHECK_FALSE(exchange_with(kGet, response, {40, 10, 4}).has_value());
  }
}

TEST_CASE("http client: a refusal counts, though the request was not read to its end") {
  Bench bench;
  const auto flow = [](Bench& b) -> Task<> {
    TcpStream stream(b.loop);
    co_await stream.connect(b.at);
    std::string request = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n";
    request.resize(20'000'000, 'x');
    const Result<Received> response = co_await http::exchange(stream, request);
    if (response) CHECK(response->status == 413);
    if (response) CHECK_FALSE(response->reusable);
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: over TLS") {
  Secured bench;
  const auto flow = [](Secured& b) -> Task<> {
    const auto stream = co_await connect_tls(b, b.client());
    CHECK(stream->alpn() == "http/1.1");
    co_await check_reuse(b, *stream);
    std::string rest;
    co_await read_all(*stream, rest);  // an orderly end
    CHECK(rest.empty());
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: over TLS, the handler learns that the client is gone") {
  for (const bool orderly : {true, false}) {
    Secured bench;
    const auto flow = [](Secured& b, bool says_goodbye) -> Task<> {
      auto stream = co_await connect_tls(b, b.client());
      const std::string request = "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n";
      co_await stream->write(as_bytes(request));
      const bool asked = co_await eventually(b.loop, [&b] { return b.asked == 1; });
      CHECK(asked);
      if (says_goodbye) co_await stream->end_writing();
      if (!says_goodbye) stream.reset();
      const bool seen = co_await eventually(b.loop, [&b] { return b.gone == 1; });
      CHECK(seen);
    };
    bench.run(flow(bench, orderly));
  }
}

TEST_CASE("http server: TLS must be there in time, and be TLS") {
  Limits limits;
  limits.header_time = 100ms;
  Secured bench(limits);
  const std::string client_hello_begins("\x16\x03\x01\x02\x00\x01", 6);
  for (const std::string& said : {std::string(), client_hello_begins, kGet}) {
    std::string answer;
    bench.run(talk(bench, Said{{said}}, answer));
    CHECK(answer.find("HTTP") == std::string::npos);
    CHECK(bench.asked == 0);
  }
}

TEST_CASE("http server: over TLS it may end with connections at any place") {
  for (const std::size_t size : {0U, 5U, 20U, 100U}) {
    Secured bench;
    const auto flow = [](Secured& b, std::string request) -> Task<> {
      const auto stream = co_await connect_tls(b, b.client());
      if (!request.empty()) co_await stream->write(as_bytes(request));
      co_await async::sleep(b.loop, 3ms);
      b.server.reset();
      std::string rest;
      co_await read_all(*stream, rest);
    };
    bench.run(flow(bench, ("GET /never HTTP/1.1\r\nHost: a\r\n\r\n" + kGet).substr(0, size)));
  }
  Secured bench;  // in the middle of the handshake
  const auto flow = [](Secured& b) -> Task<> {
    TcpStream stream(b.loop);
    co_await stream.connect(b.at);
    co_await async::sleep(b.loop, 3ms);
    b.server.reset();
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: certificates change for connections from then on") {
  Secured bench;
  const auto flow = [](Secured& b) -> Task<> {
    const auto before = co_await connect_tls(b, b.client());
    b.identity = async::testing::make_tls_identity("DNS:example.com");
    b.server->use(*TlsContext::server(b.identity.certificate_pem, b.identity.key_pem, {"http/1.1"}));
    const auto after = co_await connect_tls(b, b.client());
    CHECK(after->peer_certificate() == b.identity.certificate_der);
    const Result<Received> response = co_await http::exchange(*before, kGet);
    CHECK(response.has_value());
    b.server->use(std::nullopt);
    TcpStream plain(b.loop);
    co_await plain.connect(b.at);
    const Result<Received> third = co_await http::exchange(plain, kGet);
    CHECK(third.has_value());
  };
  bench.run(flow(bench));
}

TEST_CASE("http server: curl") {
  if (std::system("command -v curl > /dev/null") != 0) {
    WARN("no curl here");
    return;
  }
  Secured bench;
  const std::string file = "/tmp/swage-http-test-" + std::to_string(getpid()) + ".pem";
  std::ofstream(file) << bench.identity.certificate_pem;
  for (const bool tls : {false, true}) {
    if (!tls) bench.server->use(std::nullopt);
    if (tls)
      bench.server->use(*TlsContext::server(bench.identity.certificate_pem, bench.identity.key_pem, {"http/1.1"}));
    const std::string port = std::to_string(bench.at.port);
    const std::string url = (tls ? "https" : "http") + std::string("://example.com:") + port;
    const std::string curl =
        "curl -sS --noproxy '*' -m 10 --cacert " + file + " --resolve example.com:" + port + ":127.0.0.1 ";
    const struct {
      std::string options, text;
    } cases[] = {
        {url + "/echo", "GET /echo "},
        {url + "/echo " + url + "/echo?2 -w '%{num_connects}'", "GET /echo 1GET /echo?2 0"},
        {"-I -o /dev/null -w '%{http_code}' " + url + "/echo", "200"},
        {"-w '%{http_code}' " + url + "/204", "204"},
        {"-0 " + url + "/echo", "GET /echo "},
        {"-d abc " + url + "//v1/echo -w '%{http_code}'", "200"},
        {"-d abc " + url + "/echo", "POST /echo abc"},
        {"-d abc -H 'Expect: 100-continue' " + url + "/echo", "POST /echo abc"},
        {"-d abc -H 'Transfer-Encoding: chunked' " + url + "/echo", "POST /echo abc"},
        {"-X OPTIONS --request-target '*' -w '%{http_code}' " + url, "200"},
        {"-w ' %{http_code}' --data-binary @/bin/true " + url + "/echo", "POST /echo  413"},
        {"-w ' %{http_code}' -T /bin/true -H 'Transfer-Encoding: chunked' " + url + "/echo", "PUT /echo  413"},
        {"-w ' %{http_code}' -H 'Expect:' --data-binary @/bin/bash " + url + "/echo", "POST /echo  413"},
    };
    for (const auto& [options, text] : cases) {
      INFO(options);
      Printed printed;
      bench.run(print_meanwhile(bench.loop, curl + options, printed));
      CHECK(printed.text == text);
      CHECK(printed.status == 0);
    }
  }
  std::remove(file.c_str());
}
