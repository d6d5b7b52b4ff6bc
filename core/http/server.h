// Server: HTTP/1.1 over TCP or TLS, and HTTP/2 where a client of TLS wants that (ALPN). Reads requests whole, has a
// Handler answer them, one after the other on each connection, of HTTP/2 up to 16 beside each other, and bounds what a
// client can make it hold: bytes, time, connections. In service processes. A connection takes some 6 KB while little
// comes of it, over TLS 20 KB (broker_flood_test), and up to 80 KB with the largest request.
//
// Strict in what it takes (see request_parser.h): a request about whose end two readers could differ is refused with
// 400, 408, 431, 501 or 505 and the end of the connection; no Handler sees it.
//
// While the Handler works the connection is watched: Caller::gone is set when the client closes it, or its sending
// half, which looks the same until something is written. The response is written all the same: a client that
// half-closes after its request (nc -N) gets it from a Handler that does not ask for `gone`. Go's net/http does the
// same. A client that pipelines more than 16 KiB after its request is not read meanwhile, and so not seen closing.
//
// A body over Limits::body is not read: the Handler is called with Request::body_too_large, and the connection closes
// after the response, once the client has closed or two seconds later.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/http/message.h"
#include "core/net.h"
#include "core/proxy_protocol.h"

namespace swage::async {
class TlsContext;
}

namespace swage::http {

struct Limits {
  using Time = std::chrono::milliseconds;

  std::size_t header = 16 << 10;  // bytes of request line and fields; of a chunked body's trailers and extensions again
  std::size_t fields = 100;
  std::size_t body = 16 << 10;     // bytes, decoded
  std::size_t connections = 4096;  // fewer where the process may open few files. Beyond, the one that has waited for
                                   // its client for longest is closed, of the network that has most; where none
                                   // waits, the new one
  std::size_t of_network = 128;    // the same of a client's network: 24 bits of IPv4, 48 of IPv6
  std::vector<Prefix> proxies{};   // where of_network does not count: many clients come from there
  std::optional<ProxyPolicy> proxy_protocol{};  // what is done with its headers; none: there are none
  std::size_t requests = 1000;                  // of a connection
  std::size_t held = 32 << 20;  // bytes of all requests that are not answered yet, counted twice for what is made of
                                // them. Beyond, the same is closed, of the network that holds most
  // Absolute, however many bytes come meanwhile. A request that is late is answered with 408.
  Time header_time{10'000};  // from its first byte to the end of a request's fields; before: TLS, the first byte of all
  Time body_time{10'000};    // from there to the end of the body
  Time idle_time{60'000};    // from a response to the next request's first byte
  Time write_time{10'000};   // of a response
  Time grace_time{1'000};    // after drain(): from a response, or TLS, to a next request that may be on its way
};

// The client. Lives as long as the request is handled.
struct Caller {
  // Of the connection's other side, or whom that names by the PROXY protocol; IPv4 as IPv4. See forwarded.h for what is
  // behind a proxy of HTTP.
  IpAddress address;
  async::Event& gone;  // set when nobody waits for the response any more, or Server::close() was called
};

// Told of each request that no Handler sees: the connection's other side, the status that it got, and why.
using OnRefusal = std::function<void(const IpAddress&, unsigned status, std::string_view why)>;

// Answers one request. The task is destroyed before it has ended only where the Server is. A deadline is its own
// affair.
using Handler = std::function<async::Task<Response>(Request, Caller&)>;

class Server {
 public:
  Server(async::Loop& loop, Limits limits, Handler handler);
  // Closes all connections and destroys the tasks of requests that are being answered. REQUIRES: not called by one of
  // them.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts from a listening socket, which it takes over, until drain(). For more than one: call it again.
  void listen(int fd);
  // For connections from now on; nullopt, and at first: plain HTTP.
  void use(std::optional<async::TlsContext> tls);
  void on_refusal(OnRefusal told);

  // Accepts nobody any more. Connections that have been idle for Limits::grace_time close, others once they have; a
  // request that begins before that is finished and answered, with `Connection: close`.
  void drain();
  // drain(), and closes all connections now; their handlers see `gone`.
  void close();
  // Set when all is over that was there when drain() was called.
  [[nodiscard]] async::Event& drained();
  [[nodiscard]] std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swage::http
