#include "core/http/fetcher.h"

#include <unistd.h>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/tls_testing.h"
#include "core/http/fetcher_testing.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::async;
using http::Fetcher;
using http::testing::Script;
using namespace std::chrono_literals;

namespace {

// Fetches, and ends the listener, so that the loop has nothing left to do.
Task<Result<Fetcher::Fetched>> fetch(Fetcher& fetcher, Script& script, std::string url,
                                     std::vector<std::string> fields) {
  auto fetched = co_await fetcher.get(std::move(url), std::move(fields));
  script.close();
  co_return fetched;
}

Fetcher::Settings small() {
  Fetcher::Settings settings;
  settings.most = 1000;
  settings.user_agent = "test/1";
  return settings;
}

std::string outcome(std::vector<std::string> pieces, bool keeps_open = false) {
  Loop loop;
  Script script(loop, std::move(pieces), keeps_open);
  Fetcher::Settings settings = small();
  if (keeps_open) settings.timeout = 300ms;
  Fetcher fetcher(loop, settings);
  const auto fetched = testing::run(loop, fetch(fetcher, script, script.url(), {}));
  if (!fetched) return "error: " + fetched.error().text();
  return fmt::format("{} {} {} {}", fetched->status, fetched->etag, fetched->last_modified, fetched->body);
}

}  // namespace

TEST_CASE("fetcher: what a server may answer") {
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"x\"\r\nLast-Modified: Mon\r\n\r\nbody"}) ==
        "200 \"x\" Mon body");
  CHECK(outcome({"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n\r\n", "2\r\nbo\r\n", "2\r\ndy\r\n0\r\n\r\n"}) ==
        "200   body");
  CHECK(outcome({"HTTP/1.1 200 OK\r\n\r\nuntil ", "the end"}) == "200   until the end");
  CHECK(outcome({"HTTP/1.1 304 Not Modified\r\nETag: W/\"y\"\r\n\r\n"}) == "304 W/\"y\"  ");
  CHECK(outcome({"HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nx"}) == "500   x");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x')}).size() == 1006);
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x')}) ==
        "error: has more than 1000 bytes");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"}) == "error: Transferred a partial file");
  CHECK(outcome({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"}, true) == "error: Timeout was reached");
  CHECK(outcome({}, true) == "error: Timeout was reached");
  std::vector<std::string> drips(2000, "1\r\nx\r\n");  // one after the other, for more than 2 s
  drips.insert(drips.begin(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(outcome(drips, true) == "error: Timeout was reached");
  CHECK(outcome({}) == "error: Server returned nothing (no headers, no data)");
  CHECK(outcome({"garbage\r\n\r\n"}).starts_with("error: "));
  CHECK(outcome({"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}) ==
        "error: Number of redirects hit maximum amount");
  CHECK(outcome({"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"}) ==
        "error: Unsupported protocol");
}

TEST_CASE("fetcher: what it asks") {
  Loop loop;
  Script script(loop, {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  Fetcher fetcher(loop, small());
  REQUIRE(testing::run(loop, fetch(fetcher, script, script.url("/a?b"), {"If-None-Match: \"x\""})));
  CHECK(script.request().starts_with("GET /a?b HTTP/1.1\r\n"));
  CHECK(script.request().find("\r\nUser-Agent: test/1\r\n") != std::string::npos);
  CHECK(script.request().find("\r\nIf-None-Match: \"x\"\r\n") != std::string::npos);
}

TEST_CASE("fetcher: where nobody is, and what is no URL") {
  Loop loop;
  Fetcher fetcher(loop, small());
  const auto [fd, at] = testing::listening_socket();
  ::close(fd);
  for (const std::string& url : {"http://" + at.to_string() + "/", std::string("file:///etc/passwd"),
                                 std::string("nonsense://x"), std::string("http://"), std::string("")}) {
    CAPTURE(url);
    CHECK(!testing::run(loop, fetcher.get(url, {})));
  }
}

TEST_CASE("fetcher: a task that is destroyed ends its transfer") {
  Loop loop;
  Script script(loop, {"HTTP/1.1 200 OK\r\n\r\nx"}, true);
  Fetcher fetcher(loop, small());
  const auto run = [](Loop& on, Fetcher& by, Script& from) -> Task<> {
    for (const auto time : {0ms, 1ms, 5ms, 50ms}) {
      auto getting = by.get(from.url(), std::vector<std::string>());
      const auto fetched = co_await within(on, time, std::move(getting));
      CHECK(!fetched);
    }
    from.close();
  };
  testing::run(loop, run(loop, fetcher, script));
}

namespace {

const std::string kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

Task<Result<Fetcher::Fetched>> send(Fetcher& fetcher, Script& script, Fetcher::Request request) {
  auto fetched = co_await fetcher.send(std::move(request));
  script.close();
  co_return fetched;
}

// What a server is sent.
std::string sent(Fetcher::Request request) {
  Loop loop;
  Script script(loop, {kEmpty});
  Fetcher fetcher(loop, small());
  request.url = script.url("/a");
  REQUIRE(testing::run(loop, send(fetcher, script, std::move(request))));
  return script.request();
}

}  // namespace

TEST_CASE("fetcher: a request with a body is a POST") {
  Fetcher::Request request;
  request.body = std::string("a\0b", 3);
  request.fields = {"Content-Type: application/json"};
  const std::string text = sent(request);
  CHECK(text.starts_with("POST /a HTTP/1.1\r\n"));
  CHECK(text.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(text.find("\r\nContent-Length: 3\r\n") != std::string::npos);
  CHECK(text.ends_with(std::string("\r\n\r\na\0b", 7)));
  request.body = "";
  CHECK(sent(request).find("\r\nContent-Length: 0\r\n") != std::string::npos);
  request.body = std::string(2 << 20, 'x');  // curl would ask first
  CHECK(sent(request).find("Expect") == std::string::npos);
}

TEST_CASE("fetcher: a POST is not sent on to where it is redirected") {
  Loop loop;
  Script script(loop, {"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"});
  Fetcher fetcher(loop, small());
  Fetcher::Request request;
  request.url = script.url("/a");
  request.body = "x";
  const auto fetched = testing::run(loop, send(fetcher, script, request));
  REQUIRE(fetched);
  CHECK(fetched->status == 302);
  CHECK(script.connections() == 1);
}

TEST_CASE("fetcher: a user and a password") {
  Fetcher::Request request;
  request.user = "us";
  request.password = "p:w";
  CHECK(sent(request).find("\r\nAuthorization: Basic dXM6cDp3\r\n") != std::string::npos);
}

TEST_CASE("fetcher: AWS's signature names what it is of, and the secret is not in it") {
  Fetcher::Request request;
  request.body = "{}";
  request.fields = {"X-Amz-Target: DynamoDB_20120810.GetItem", "Content-Type: application/x-amz-json-1.0"};
  request.signature = {
      .region = "eu-central-1", .service = "dynamodb", .key_id = "AKID", .secret = "SECRET", .token = "TOKEN"};
  const std::string text = sent(request);
  CHECK(text.find("\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/") != std::string::npos);
  CHECK(text.find("/eu-central-1/dynamodb/aws4_request, SignedHeaders=") != std::string::npos);
  CHECK(text.find("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=") !=
        std::string::npos);
  CHECK(text.find("\r\nX-Amz-Security-Token: TOKEN\r\n") != std::string::npos);
  CHECK(text.find("SECRET") == std::string::npos);
}

TEST_CASE("fetcher: connections are used again where that is wanted, and no more of them are made than that") {
  const auto fetch_all = [](Loop& on, Fetcher& by, Script& from) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const auto fetched = co_await by.get(from.url(), std::vector<std::string>());
      CHECK(fetched);
    }
    on.stop();
  };
  for (const bool reuse : {false, true}) {
    Loop loop;
    Script script(loop, {kEmpty}, true);
    Fetcher::Settings settings = small();
    settings.reuse = reuse;
    Fetcher fetcher(loop, settings);
    loop.spawn(fetch_all(loop, fetcher, script));
    loop.run();
    CHECK(script.connections() == (reuse ? 1 : 3));
  }
}

TEST_CASE("fetcher: of many requests at once no more than so many connections are made, and none is lost") {
  Loop loop;
  Script script(loop, {kEmpty}, true);
  Fetcher::Settings settings = small();
  settings.reuse = true;
  settings.connections = 3;
  Fetcher fetcher(loop, settings);
  int done = 0;
  const auto fetch_one = [](Loop& on, Fetcher& by, Script& from, int& count) -> Task<> {
    const auto fetched = co_await by.get(from.url(), std::vector<std::string>());
    CHECK(fetched);
    if (++count == 50) on.stop();
  };
  for (int i = 0; i < 50; ++i) loop.spawn(fetch_one(loop, fetcher, script, done));
  loop.run();
  CHECK(done == 50);
  CHECK(script.connections() == 3);
}

TEST_CASE("fetcher: a connection that the server has closed meanwhile is replaced") {
  Loop loop;
  Script script(loop, {kEmpty});  // closes after each response, and does not say so
  Fetcher::Settings settings = small();
  settings.reuse = true;
  Fetcher fetcher(loop, settings);
  const auto run = [](Fetcher& by, Script& from) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      Fetcher::Request request;
      request.url = from.url();
      request.body = "x";
      const auto fetched = co_await by.send(std::move(request));
      CHECK((fetched ? "" : fetched.error().text()) == "");
    }
    from.close();
  };
  testing::run(loop, run(fetcher, script));
  CHECK(script.connections() == 20);
}

TEST_CASE("fetcher: shows a client's certificate, and refuses a server that is not signed by the authorities") {
  const tests::Folder folder;
  const auto authority = testing::make_tls_identity("");
  const auto server = testing::make_tls_identity("IP:127.0.0.1", &authority);
  const auto client = testing::make_tls_identity("DNS:client", &authority);
  const auto stranger = testing::make_tls_identity("");
  const tests::Port port;
  const std::string url = "https://" + port.v4().to_string() + "/";
  auto served = tests::Process::start(
      {.arguments = {"openssl", "s_server", "-accept", port.v4().to_string(), "-www", "-Verify", "1",
                     "-verify_return_error", "-quiet", "-cert", folder.write("server.pem", server.certificate_pem),
                     "-key", folder.write("server.key", server.key_pem), "-CAfile",
                     folder.write("authority.pem", authority.certificate_pem)}});
  REQUIRE(served);
  REQUIRE(tests::wait_until(
      [&] {
        return tests::run({.arguments = {"bash", "-c", fmt::format("</dev/tcp/127.0.0.1/{}", port.number())}})
            .has_value();
      },
      10s));
  const auto status = [&](Fetcher::Settings settings) {
    Loop loop;
    Fetcher fetcher(loop, std::move(settings));
    const auto fetched = testing::run(loop, fetcher.get(url, {}));
    return fetched ? std::to_string(fetched->status) : "error: " + fetched.error().text();
  };
  Fetcher::Settings settings;
  settings.authorities = folder.file("authority.pem");
  settings.certificate = folder.write("client.pem", client.certificate_pem);
  settings.key = folder.write("client.key", client.key_pem);
  CHECK(status(settings) == "200");
  settings.authorities = folder.write("stranger.pem", stranger.certificate_pem);
  CHECK(status(settings) == "error: SSL certificate problem: self-signed certificate in certificate chain");
  settings.authorities = folder.file("authority.pem");
  settings.certificate = settings.key = "";
  CHECK(status(settings).starts_with("error: "));
  settings.certificate = folder.file("none.pem");
  CHECK(status(settings).starts_with("error: could not load PEM client certificate"));
}
