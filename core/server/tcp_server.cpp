#include "core/server/tcp_server.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/bytes.h"
#include "core/dns/parse.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kIdle(100 * kTcpIdleTime);
constexpr auto kIdleWhenCrowded = 2s;
constexpr auto kIdleWhenDraining = 500ms;
constexpr std::size_t kMostSessions = 20'000;        // of a process; fewer where descriptors are few
constexpr std::uint32_t kMostSessionsAClient = 256;  // of a process
constexpr std::size_t kOtherDescriptors = 256;       // for sockets and shared memory, where there are that many
constexpr std::size_t kFirstBuffer = 2048;           // bytes; grows for a longer request
constexpr std::size_t kWriteSize = 16 << 10;         // bytes of responses that are collected before they are written

std::size_t most_sessions() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostSessions;
  const std::size_t others = std::min<std::size_t>(kOtherDescriptors, limit.rlim_cur / 2);
  return std::min<std::size_t>(kMostSessions, limit.rlim_cur - others);
}

// An IPv6 host has its pick of 2^64 addresses: its network counts.
IpAddress counted_as(const IpAddress& client) {
  if (!client.is_v6()) return client;
  std::array<std::uint8_t, 16> network{};
  std::copy_n(client.bytes().begin(), 8, network.begin());
  return IpAddress::v6(network);
}

}  // namespace

TcpClients::TcpClients() : most_(most_sessions()) {}

bool TcpClients::add(const IpAddress& client) {
  if (count_ >= most_) return false;
  std::uint32_t& sessions = clients_[counted_as(client)];
  if (sessions >= kMostSessionsAClient) return false;
  ++sessions;
  ++count_;
  return true;
}

void TcpClients::remove(const IpAddress& client) {
  const auto entry = clients_.find(counted_as(client));
  if (--entry->second == 0) clients_.erase(entry);
  --count_;
}

// One connection. Known to its server as long as it lives.
struct TcpServer::Session {
  Session(TcpServer& owner, std::unique_ptr<async::TcpStream> connection)
      : server(owner),
        stream(std::move(connection)),
        idle(owner.common_.loop, [this] { stream->close(); }),
        in(kFirstBuffer) {
    arrival = {dns::Transport::tcp, stream->peer(), stream->local(), 0};
    server.sessions_.insert(this);
  }
  ~Session() {
    server.sessions_.erase(this);
    server.common_.clients.remove(arrival.client.address);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  TcpServer& server;
  std::unique_ptr<async::TcpStream> stream;
  async::Timer idle;  // cuts off who is silent, who sends a request too slowly, who does not read
  Arrival arrival;
  std::vector<std::uint8_t> in;  // what was read and not answered: `filled` bytes
  std::size_t filled = 0;
  bool begun = false;             // a part of a request is there
  std::uint32_t requests = 0;     // that were answered
  std::vector<std::uint8_t> out;  // responses, each behind its length
};

TcpServer::TcpServer(Common& common, Descriptor socket, const Router& router)
    : common_(common),
      listener_(common.loop, socket.release(),
                [this](std::unique_ptr<async::TcpStream> stream) { accept(std::move(stream)); }),
      router_(router) {}

TcpServer::~TcpServer() { CHECK(sessions_.empty()); }

void TcpServer::drain() {
  draining_ = true;
  listener_.close();
  for (Session* session : sessions_) session->idle.start(idle_time());
}

void TcpServer::close() {
  for (Session* session : sessions_) session->stream->close();
}

std::chrono::milliseconds TcpServer::idle_time() const {
  if (draining_) return kIdleWhenDraining;
  if (!common_.clients.has_room()) return kIdleWhenCrowded;
  return router_.tcp.idle ? *router_.tcp.idle : kIdle;
}

// `limit` of the Corefile, if it has one and the connection may take so long.
std::chrono::milliseconds TcpServer::time_for(const std::optional<std::chrono::seconds>& limit) const {
  return limit && !draining_ && common_.clients.has_room() ? *limit : idle_time();
}

void TcpServer::accept(std::unique_ptr<async::TcpStream> stream) {
  if (!common_.clients.add(stream->peer().address)) return;
  common_.loop.spawn(run(*this, std::move(stream)));
}

async::Task<> TcpServer::run(TcpServer& server, std::unique_ptr<async::TcpStream> stream) {
  Session session(server, std::move(stream));
  session.idle.start(server.time_for(server.router_.tcp.read));
  while (true) {
    const MutableBytes room = MutableBytes(session.in).subspan(session.filled);
    const Result<std::size_t> size = co_await session.stream->read(room);
    if (!size || *size == 0) co_return;
    session.filled += *size;
    const bool goes_on = co_await server.answer_waiting(session);
    if (!goes_on) co_return;
  }
}

// Answers the requests that are complete. The idle time starts anew with each of them, not with a part of one. False
// where the connection is to be closed.
async::Task<bool> TcpServer::answer_waiting(Session& session) {
  session.arrival.received = common_.loop.now();
  std::size_t at = 0;
  const auto may_ask = [&] { return session.requests != router_.tcp.most_requests; };
  while (may_ask() && session.filled - at >= 2) {
    const std::size_t length = load_u16(&session.in[at]);
    if (length < dns::kHeaderSize) co_return false;
    if (session.filled - at < 2 + length) break;
    const Bytes request = Bytes(session.in).subspan(at + 2, length);
    at += 2 + length;
    ++session.requests;
    const std::size_t size = common_.responder.respond(router_, request, session.arrival, common_.scratch);
    if (size == 0) continue;
    const std::size_t start = session.out.size();
    session.out.resize(start + 2 + size);
    store_u16(&session.out[start], static_cast<std::uint16_t>(size));
    std::copy_n(common_.scratch.begin(), size, session.out.begin() + static_cast<std::ptrdiff_t>(start + 2));
    if (session.out.size() < kWriteSize) continue;
    session.idle.start(time_for(router_.tcp.write));
    const Result<> written = co_await session.stream->write(session.out);
    if (!written) co_return false;
    session.out.clear();
  }
  if (at > 0) session.idle.start(time_for(router_.tcp.write));
  if (!session.out.empty()) {
    const Result<> written = co_await session.stream->write(session.out);
    if (!written) co_return false;
    session.out.clear();
    session.out.shrink_to_fit();
  }
  if (!may_ask()) co_return false;
  session.in.erase(session.in.begin(), session.in.begin() + static_cast<std::ptrdiff_t>(at));
  session.filled -= at;
  // A request that has begun to arrive has its own time, which its further parts do not begin anew.
  if (router_.tcp.read && session.filled > 0) {
    if (at > 0 || !session.begun) session.idle.start(time_for(router_.tcp.read));
  } else if (at > 0 && router_.tcp.write) {
    session.idle.start(idle_time());
  }
  session.begun = session.filled > 0;
  const std::size_t needed = session.filled >= 2 ? 2U + load_u16(session.in.data()) : 0;
  // Room grows with what arrives, not with what is announced.
  session.in.resize(std::max(kFirstBuffer, std::min(needed, 2 * session.filled)));
  co_return true;
}

}  // namespace swage::server
