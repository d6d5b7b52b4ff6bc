// Inbound: the server's side of one connection of HTTP, as a codec: bytes go in, requests come out; responses go in,
// bytes come out. No I/O: deadlines, and what is done with requests, are the owner's. Http1 and Http2.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/http/message.h"

namespace swage::http {

class Inbound {
 public:
  struct Incoming {
    std::int32_t stream;  // for respond()
    Request request;
  };

  virtual ~Inbound() = default;

  // Takes all of `in`. After a mistake of the client's it is over(), once what is to be written is written.
  virtual void receive(Bytes in) = 0;
  // The next request that is whole.
  [[nodiscard]] virtual std::optional<Incoming> next() = 0;
  // Whether next() may have one without further bytes.
  [[nodiscard]] virtual bool has_next() const = 0;
  // Answers a request. Nothing happens where the client does not want it any more.
  virtual void respond(std::int32_t stream, Response response) = 0;
  // Appends what is to be sent to `out`, until that has about `most` bytes.
  virtual void write(std::vector<std::uint8_t>& out, std::size_t most) = 0;

  // Whether write() has something now.
  [[nodiscard]] virtual bool wants_write() const = 0;
  // Whether nothing more is read: it is to be closed when all is written.
  [[nodiscard]] virtual bool over() const = 0;
  // Whether nothing more is to be given to receive() until a request is answered.
  [[nodiscard]] virtual bool is_full() const = 0;
  // About how many bytes it holds of requests and responses.
  [[nodiscard]] virtual std::size_t held() const = 0;
};

}  // namespace swage::http
