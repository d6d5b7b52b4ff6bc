#include "core/http/server.h"

#include "core/async/tls.h"

namespace swage::http {

struct Server::State {
  explicit State(async::Loop& loop) : drained(loop) {}
  async::Event drained;
};

Server::Server(async::Loop& loop, Limits, Handler) : state_(std::make_unique<State>(loop)) {}
Server::~Server() = default;
void Server::listen(int) {}
void Server::use(std::optional<async::TlsContext>) {}
void Server::drain() {}
void Server::close() {}
async::Event& Server::drained() { return state_->drained; }
std::size_t Server::connections() const { return 0; }

}  // namespace swage::http
