#include "core/server/tcp_server.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/log.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kIdle(100 * kTcpIdleTime);
constexpr auto kIdleWhenCrowded = 2s;
constexpr auto kIdleWhenDraining = 500ms;
constexpr int kAcceptedAtOnce = 16;
constexpr int kAcceptedAtTheEnd = 4096;

Endpoint local_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

bool out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

TcpServer::TcpServer(TcpTurns& turns, Descriptor socket, const Router& router)
    : turns_(turns),
      socket_(std::move(socket)),
      local_(local_of(socket_.get())),
      router_(router),
      poll_(std::in_place, turns.loop, socket_.get(), [this] { accept(); }),
      retry_(turns.loop, [this] {
        if (poll_) poll_->start();
      }) {
  if (router.tls != nullptr) tls_.emplace(*router.tls, router.scheme);
  // What is not acknowledged so long is given up, also when the connection is closed here. Connections inherit it.
  const auto patience = static_cast<unsigned>(std::max(time_for(router.tcp.write), idle_time()).count());
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

TcpServer::~TcpServer() { CHECK(sessions_.empty()); }

void TcpServer::drain() {
  draining_ = true;
  // Who has connected already may have asked: where the server ends, nobody else would answer.
  for (int left = kAcceptedAtTheEnd; left > 0 && accept_one();) --left;
  poll_.reset();
  retry_.stop();
  socket_ = Descriptor();
  for (TcpSession& session : sessions_) session.close_after(idle_time());
}

void TcpServer::close() {
  while (!sessions_.empty()) sessions_.front().close();
}

std::chrono::milliseconds TcpServer::idle_time() const {
  if (draining_) return kIdleWhenDraining;
  if (!turns_.clients.has_room()) return kIdleWhenCrowded;
  return router_.tcp.idle ? *router_.tcp.idle : kIdle;
}

std::chrono::milliseconds TcpServer::time_for(const std::optional<std::chrono::seconds>& limit) const {
  return limit && !draining_ && turns_.clients.has_room() ? *limit : idle_time();
}

// Several a turn: the more the process has to do in one, the fewer turns there are.
void TcpServer::accept() {
  for (int left = kAcceptedAtOnce; left > 0 && accept_one();) --left;
}

// False where there is none.
bool TcpServer::accept_one() {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  Descriptor socket(accept4(socket_.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.exists()) {
    if (out_of_resources(errno)) wait_for_descriptors(errno);
    return false;  // else another process was faster, or the client is gone
  }
  starved_ = false;
  const Endpoint client = Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&from));
  const Endpoint local = local_.address.is_unspecified() ? local_of(socket.get()) : local_;
  TcpSession& session = sessions_.emplace_back(*this, turns_, std::move(socket), client, local);
  session.start(std::prev(sessions_.end()));
  return true;
}

// One place is taken back for the next attempt. Clients wait in the backlog meanwhile.
void TcpServer::wait_for_descriptors(int error) {
  if (!starved_) log::warning("accept: {}; trying again", std::strerror(error));
  starved_ = true;
  if (turns_.clients.evict()) return;
  poll_->stop();
  retry_.start(100ms);
}

}  // namespace swage::server
