// Connection: one client's, from its first byte to the last. Two coroutines: one reads ahead, up to 16 KiB, and so sees
// the client close at any time; the other takes requests from there, has them handled and writes the responses. Both
// are the Connection's: destroying it ends them, wherever they are. Owned by the Server. Internal to core/http.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/async/tls.h"
#include "core/http/clients.h"
#include "core/http/read_ahead.h"
#include "core/http/request_parser.h"
#include "core/http/response_text.h"
#include "core/http/server.h"

namespace swage::http {

class Http2;

class Connection {
 public:
  // What the connections of a Server share.
  struct Shared {
    async::Loop& loop;
    Limits limits;
    Handler handler;
    OnRefusal refused;
    std::function<void(Connection&)> ended;  // nothing comes of it any more; must not destroy it at once
    std::function<void()> pressed;           // they hold more than Limits::held; must destroy none at once
    std::size_t held = 0;                    // bytes, by all of them together
    bool draining = false;
  };

  Connection(Shared& shared, std::unique_ptr<async::TcpStream> tcp, const std::optional<async::TlsContext>& tls);
  ~Connection() { hold(0); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // Shared::draining was set.
  void drain() { changed_.set(); }
  void close();

  [[nodiscard]] const IpAddress& address() const { return caller_.address; }
  [[nodiscard]] const Client& client() const { return client_; }

 private:
  enum class Outcome { request, refused, closed };

  [[nodiscard]] async::Task<> run();
  [[nodiscard]] async::Task<> read_ahead();
  [[nodiscard]] async::Task<bool> shake_hands();
  [[nodiscard]] async::Task<bool> serve(bool last);
  [[nodiscard]] async::Task<Outcome> receive(RequestParser& parser);
  [[nodiscard]] async::Task<bool> handle(Request request, bool keeps_alive);
  [[nodiscard]] async::Task<> refuse();
  enum class Http2Waits;
  struct Http2Work {
    std::size_t handled = 0;  // requests that are being handled
    bool answered = false;    // one was answered
  };
  [[nodiscard]] async::Task<> serve_http2();
  [[nodiscard]] async::Task<> handle_http2(Http2& http, Http2Work& work, std::int32_t stream, Request request);
  void await_http2(Http2Waits waits);
  [[nodiscard]] async::Task<bool> send(std::string_view text);
  [[nodiscard]] async::Task<> linger();
  [[nodiscard]] async::Task<> let_others_go_on();
  void consume(std::size_t size);
  void hold(std::size_t bytes);
  void await_stage(RequestParser::Stage stage);
  void hurry();

  Shared& shared_;
  async::TcpStream* tcp_ = nullptr;  // the stream, as what it is
  async::TlsStream* tls_ = nullptr;
  std::unique_ptr<async::Stream> stream_;
  ReadAhead ahead_;
  async::Event changed_;  // something is to be looked at: bytes, a flag below, Shared::draining
  async::Event room_;     // in ahead_, again
  async::Event gone_;
  async::Timer read_deadline_, write_deadline_;
  Caller caller_;
  Refusal refusal_;
  bool late_ = false;    // read_deadline_ has passed
  bool ended_ = false;   // nothing more comes from the client
  bool closed_ = false;  // by us
  bool first_ = true;    // no request was there yet
  Client client_;
  async::Tasks tasks_;  // run() and read_ahead(). Last: destroyed before what they use
};

}  // namespace swage::http
