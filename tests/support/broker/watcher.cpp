#include "tests/support/broker/watcher.h"

#include "core/result.h"

namespace swage::tests {

Watcher::Watcher(async::Loop& loop, std::uint16_t port) {
  const auto note = [this](std::unique_ptr<async::TcpStream> stream) {
    connected_.push_back(stream->local().address.to_string());
  };
  for (const char* const any : {"0.0.0.0", "::"}) {
    auto listener = async::TcpListener::listen(loop, {*IpAddress::parse(any), port, 0}, note);
    CHECK(listener);
    (v4_ ? v6_ : v4_) = *std::move(listener);
  }
}

}  // namespace swage::tests
