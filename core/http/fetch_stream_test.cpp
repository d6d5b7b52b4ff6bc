#include <fmt/format.h>

#include "core/http/fetch_stream.h"

#include "core/async/tasks.h"
#include "core/http/fetcher_testing.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::async;
using http::Fetcher;
using http::FetchStream;
using http::testing::Script;
using namespace std::chrono_literals;

namespace {

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); }

Fetcher::Settings small() {
  Fetcher::Settings settings;
  settings.most = 1000;
  return settings;
}

// All lines as "a|b|", and how it ended.
Task<std::string> lines(FetchStream& stream) {
  std::string all;
  while (true) {
    const auto line = co_await stream.line();
    if (!line) co_return all + "error: " + line.error().text();
    if (!*line) co_return all + fmt::format("end {}", stream.status());
    all += **line + "|";
  }
}

Task<std::string> read(Fetcher& fetcher, Script& script) {
  Fetcher::Request request;
  request.url = script.url();
  FetchStream stream(fetcher, std::move(request));
  std::string all = co_await lines(stream);
  script.close();
  co_return all;
}

std::string read(std::vector<std::string> pieces) {
  Loop loop;
  Script script(loop, std::move(pieces));
  Fetcher fetcher(loop, small());
  return testing::run(loop, read(fetcher, script));
}

}  // namespace

TEST_CASE("fetch stream: lines, however they come") {
  CHECK(read({kChunked + chunk("a\nb\n") + chunk("")}) == "a|b|end 200");
  CHECK(read({kChunked, chunk("a"), chunk("a"), chunk("a\n"), chunk("\n"), chunk("b"), chunk("")}) == "aaa||b|end 200");
  CHECK(read({kChunked + chunk("")}) == "end 200");
  CHECK(read({"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"}) == "gone|end 404");
  CHECK(read({kChunked + chunk(std::string(1000, 'x') + "\n" + std::string(1000, 'y')) + chunk("")}) ==
        std::string(1000, 'x') + "|" + std::string(1000, 'y') + "|end 200");
}

TEST_CASE("fetch stream: what was whole is read, and then why it ended") {
  CHECK(read({kChunked + chunk("a\nb")}) == "a|error: Transferred a partial file");
  CHECK(read({kChunked + chunk("a\n" + std::string(1001, 'x'))}) == "a|error: has a line of more than 1000 bytes");
  CHECK(read({}) == "error: Server returned nothing (no headers, no data)");
}

TEST_CASE("fetch stream: what is not read waits, with the server when it is much") {
  Loop loop;
  std::vector<std::string> pieces = {kChunked};
  constexpr int kLines = 240'000;  // 24 MB: more than what sockets hold
  std::string text;
  for (int i = 0; i < kLines; ++i) {
    text += fmt::format("{:099}\n", i);
    if (text.size() > 50'000) pieces.push_back(chunk(std::exchange(text, "")));
  }
  pieces.push_back(chunk(text));
  pieces.push_back(chunk("\n"));
  pieces.push_back(chunk(""));
  Script script(loop, std::move(pieces));
  Fetcher fetcher(loop, small());
  const auto run = [](Loop& on, Fetcher& by, Script& from) -> Task<> {
    Fetcher::Request request;
    request.url = from.url();
    FetchStream stream(by, std::move(request));
    co_await sleep(on, 300ms);  // enough for all of it, were it not held back
    CHECK(from.said() < 23'000'000);
    for (int i = 0; i < kLines; ++i) {
      const auto line = co_await stream.line();
      const bool right = line && *line && **line == fmt::format("{:099}", i);
      if (!right) FAIL("line " << i);
    }
    from.close();
  };
  testing::run(loop, run(loop, fetcher, script));
}

TEST_CASE("fetch stream: a wait that is given up loses nothing; the stream ends with its object") {
  Loop loop;
  Script script(loop, {kChunked + chunk("a\nb"), chunk("c\n")}, true);
  Fetcher fetcher(loop, small());
  const auto run = [](Loop& on, Fetcher& by, Script& from) -> Task<> {
    Fetcher::Request request;
    request.url = from.url();
    FetchStream stream(by, std::move(request));
    std::string all;
    for (int tries = 0; tries < 5000 && all != "a|bc|"; ++tries) {
      auto reading = stream.line();
      const auto line = co_await within(on, 0ms, std::move(reading));
      if (line) all += line->value().value_or("end") + "|";
    }
    CHECK(all == "a|bc|");
    from.close();
  };
  testing::run(loop, run(loop, fetcher, script));
}
