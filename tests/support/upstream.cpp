#include "tests/support/upstream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace swage::tests {
namespace {

int bound(const Endpoint& at, int type) {
  const int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  const socklen_t size = at.to_sockaddr(address);
  CHECK(bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  return socket;
}

bool receive_all(int socket, MutableBytes into) {
  return recv(socket, into.data(), into.size(), MSG_WAITALL) == static_cast<ssize_t>(into.size());
}

}  // namespace

Packet answer_to(const Packet& query, std::uint8_t last_byte, std::uint8_t rcode) {
  std::size_t end = 12;
  while (query[end] != 0) end += 1U + query[end];
  end += 5;
  Packet answer(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(end));
  answer[2] = static_cast<std::uint8_t>(0x80 | (query[2] & 1));
  answer[3] = static_cast<std::uint8_t>(0x80 | rcode);
  store_u16(&answer[6], rcode == 0 ? 1 : 0);
  store_u16(&answer[8], 0);
  store_u16(&answer[10], 0);
  if (rcode == 0) {
    const std::array<std::uint8_t, 16> record{0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last_byte};
    answer.insert(answer.end(), record.begin(), record.end());
  }
  return answer;
}

UpstreamServer::UpstreamServer(Answer answer)
    : answer_(std::move(answer)),
      udp_socket_(bound(port_.v4(), SOCK_DGRAM)),
      listener_(bound(port_.v4(), SOCK_STREAM)) {
  CHECK(listen(listener_, 64) == 0);
  thread_ = std::thread([this] { run(); });
}

UpstreamServer::~UpstreamServer() {
  stopping_ = true;
  thread_.join();
  close(udp_socket_);
  close(listener_);
}

void UpstreamServer::run() {
  std::vector<pollfd> all{{udp_socket_, POLLIN, 0}, {listener_, POLLIN, 0}};
  while (!stopping_) {
    if (poll(all.data(), all.size(), 20) <= 0) continue;
    if (all[0].revents != 0) serve_udp();
    for (std::size_t i = 2; i < all.size(); ++i) {
      if (all[i].revents == 0 || serve_tcp(all[i].fd)) continue;
      close(all[i].fd);
      all[i].fd = -1;
    }
    std::erase_if(all, [](const pollfd& each) { return each.fd < 0; });
    if (all[1].revents == 0) continue;
    ++accepted_;
    all.push_back({accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
  }
  for (std::size_t i = 2; i < all.size(); ++i) close(all[i].fd);
}

void UpstreamServer::serve_udp() {
  Packet query(4096);
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const ssize_t got = recvfrom(udp_socket_, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
  if (got < 12) return;
  query.resize(static_cast<std::size_t>(got));
  ++udp_;
  for (const Packet& message : answer_(query, false).messages) {
    sendto(udp_socket_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
  }
}

bool UpstreamServer::serve_tcp(int socket) {
  std::array<std::uint8_t, 2> length{};
  if (!receive_all(socket, length)) return false;
  Packet query(load_u16(length.data()));
  if (query.size() < 12 || !receive_all(socket, query)) return false;
  ++tcp_;
  const Reply reply = answer_(query, true);
  for (const Packet& message : reply.messages) {
    const Packet whole = framed(message);
    if (send(socket, whole.data(), whole.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return !reply.closes;
}

}  // namespace swage::tests
