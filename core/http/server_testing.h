// For the tests of core/http: a Server on loopback, and clients that say what the test wants.
#pragma once

#include <dirent.h>

#include <chrono>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/async/tcp.h"
#include "core/http/server.h"

#include "core/async/testing.h"  // last: its CHECK is the one that counts here

namespace swage::http::testing {

using async::Event;
using async::Loop;
using async::Task;
using async::TcpStream;
using namespace std::chrono_literals;

// What clients and servers say, here.
inline const std::string kOk = "HTTP/1.1 200 OK\r\n";
inline const std::string kHost = "Host: a\r\n";
inline const std::string kCloses = "Connection: close\r\n";

inline std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\n" + kHost + fields + "\r\n";
}

inline std::string ok(const std::string& body, const std::string& fields = "") {
  return kOk + "Content-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

// Answers, by path: /echo, what it got; /client, who asks; /204, /304, /big; /slow, when released; /never; /gone, when
// the client is.
struct Bench {
  explicit Bench(Limits limits = {}) : release(loop), never(loop) {
    server.emplace(loop, std::move(limits), [this](Request request, Caller& caller) {
      ++asked;
      return answer(*this, std::move(request), caller);
    });
    const auto [fd, where] = async::testing::listening_socket(1024);
    at = where;
    server->listen(fd);
  }

  static Task<Response> answer(Bench& bench, Request request, Caller& caller) {
    Response response;
    const std::string path(request.path());
    if (path == "/echo") response.body = request.method + " " + request.target + " " + request.body;
    if (path == "/client") response.body = caller.address.to_string();
    if (path == "/204") response.status = 204;
    if (path == "/304") response.status = 304;
    if (path == "/big") response.body.assign(8 << 20, 'x');
    if (path == "/close") response.fields.add("Connection", "close");
    if (path == "/slow") co_await bench.release.wait();
    if (path == "/never") co_await bench.never.wait();
    if (path == "/gone") {
      co_await caller.gone.wait();
      ++bench.gone;
    }
    if (request.body_too_large) response.status = 413;
    bench.last_gone = caller.gone.is_set();
    co_return response;
  }

  // Runs `task`; 20 s at most.
  void run(Task<> task) {
    bool ended = false;
    async::Timer stuck(loop, [this] { loop.stop(); });
    stuck.start(20s);
    loop.spawn(then_stop(*this, std::move(task), ended));
    if (!ended) loop.run();
    REQUIRE(ended);
  }
  static Task<> then_stop(Bench& bench, Task<> task, bool& ended) {
    co_await std::move(task);
    ended = true;
    bench.loop.stop();
  }

  Loop loop;
  Event release, never;
  Endpoint at;
  std::optional<Server> server;
  int asked = 0;
  int gone = 0;  // requests of /gone that saw it
  bool last_gone = false;
};

// Until `condition` holds; false if it does not within a few seconds.
inline Task<bool> eventually(Loop& loop, std::function<bool()> condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) co_await async::sleep(loop, 1ms);
  co_return condition();
}

// All until the end; "…<error>" where it is none.
inline Task<> read_all(async::Stream& stream, std::string& all) {
  std::vector<std::uint8_t> buffer(65536);
  while (true) {
    const Result<std::size_t> size = co_await stream.read(buffer);
    if (!size) all += "<error>";
    if (!size || *size == 0) co_return;
    all += as_text(Bytes(buffer).first(*size));
  }
}

// Says the pieces, one after the other, and reads until the server closes.
struct Said {
  std::vector<std::string> pieces;
  bool ends = false;                   // its own half, then
  std::chrono::milliseconds pause{1};  // between pieces
};

inline Task<> talk(Bench& bench, Said said, std::string& answer) {
  TcpStream stream(bench.loop);
  const Result<> connected = co_await stream.connect(bench.at);
  REQUIRE(connected.has_value());
  for (std::size_t i = 0; i < said.pieces.size(); ++i) {
    if (i > 0) co_await async::sleep(bench.loop, said.pause);
    const Result<> written = co_await stream.write(as_bytes(said.pieces[i]));
    if (!written) break;
  }
  if (said.ends) stream.end_writing();
  co_await read_all(stream, answer);
}

// Without the dates.
inline std::string undated(std::string text) {
  for (std::size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;) {
    text.erase(at, text.find('\n', at) + 1 - at);
  }
  return text;
}

inline std::string ask(Bench& bench, Said said) {
  std::string answer;
  bench.run(talk(bench, std::move(said), answer));
  return undated(answer);
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* all = opendir("/proc/self/fd");
  while (readdir(all) != nullptr) ++count;
  closedir(all);
  return count;
}

}  // namespace swage::http::testing
