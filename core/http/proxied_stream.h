// ProxiedStream: a connection that a header of the PROXY protocol may stand in front of (core/proxy_protocol.h). Who
// reads from it does not see the header. Internal to core/http.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/async/stream.h"
#include "core/proxy_protocol.h"

namespace swage::http {

class ProxiedStream : public async::Stream {
 public:
  // `sender`: the other side of the connection. `known` is called with the client before the first read gives bytes;
  // reads fail where it is not to be served. `policy` outlives this.
  ProxiedStream(std::unique_ptr<async::Stream> carrier, const ProxyPolicy& policy, const Endpoint& sender,
                std::function<void(const IpAddress&)> known)
      : carrier_(std::move(carrier)), policy_(policy), sender_(sender), known_(std::move(known)) {}

  [[nodiscard]] async::Task<Result<std::size_t>> read(MutableBytes into) override;
  void close() override { carrier_->close(); }

 private:
  [[nodiscard]] async::Task<Result<>> write_parts(Parts parts) override {
    return carrier_->write(parts[0], parts[1], parts[2], parts[3]);
  }
  [[nodiscard]] async::Task<Result<>> read_header();

  std::unique_ptr<async::Stream> carrier_;
  const ProxyPolicy& policy_;
  Endpoint sender_;
  std::function<void(const IpAddress&)> known_;  // empty: it was called
  std::vector<std::uint8_t> rest_;               // that was read behind the header
};

}  // namespace swage::http
