#include "core/async/tls_socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/async/tls_context.h"
#include "core/result.h"

namespace swage::async {

// What OpenSSL reads and writes through. It asks for the five bytes before each record, and then for the record: what
// is there is read at once, and what it has not asked for yet is kept.
struct TlsSocket::State {
  int socket = -1;
  std::vector<std::uint8_t> ahead;
  std::size_t taken = 0;                             // bytes of `ahead`
  bool ended = false;                                // close_notify was read
  std::unique_ptr<SSL, detail::Free<SSL_free>> ssl;  // last: it refers to the others
};

namespace {

constexpr std::size_t kReadAhead = 4096;  // bytes

bool try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Neither a template nor a member, so that these can be in a table of C functions.
struct Ahead {
  int& socket;
  std::vector<std::uint8_t>& bytes;
  std::size_t& taken;
};

int take(Ahead& ahead, char* into, int size) {
  const std::size_t count = std::min(ahead.bytes.size() - ahead.taken, static_cast<std::size_t>(size));
  std::memcpy(into, ahead.bytes.data() + ahead.taken, count);
  ahead.taken += count;
  if (ahead.taken == ahead.bytes.size()) {
    ahead.bytes.clear();
    ahead.taken = 0;
  }
  return static_cast<int>(count);
}

int read_socket(BIO* bio, char* into, int size) noexcept {
  BIO_clear_retry_flags(bio);
  auto& ahead = *static_cast<Ahead*>(BIO_get_data(bio));
  if (size <= 0) return 0;
  if (!ahead.bytes.empty()) return take(ahead, into, size);
  std::array<char, kReadAhead> some;
  const bool at_once = static_cast<std::size_t>(size) >= some.size();
  const ssize_t got = at_once ? recv(ahead.socket, into, static_cast<std::size_t>(size), 0)
                              : recv(ahead.socket, some.data(), some.size(), 0);
  if (got < 0 && try_again()) BIO_set_retry_read(bio);
  if (got <= 0 || at_once) return static_cast<int>(got);
  const std::size_t given = std::min(static_cast<std::size_t>(got), static_cast<std::size_t>(size));
  std::memcpy(into, some.data(), given);
  ahead.bytes.assign(some.begin() + static_cast<std::ptrdiff_t>(given), some.begin() + got);
  return static_cast<int>(given);
}

int write_socket(BIO* bio, const char* from, int size) noexcept {
  BIO_clear_retry_flags(bio);
  const auto& ahead = *static_cast<Ahead*>(BIO_get_data(bio));
  const ssize_t sent = send(ahead.socket, from, static_cast<std::size_t>(std::max(size, 0)), MSG_NOSIGNAL);
  if (sent < 0 && try_again()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long control_socket(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int destroy_socket(BIO* bio) noexcept {
  delete static_cast<Ahead*>(BIO_get_data(bio));
  return 1;
}

std::unique_ptr<BIO_METHOD, detail::Free<BIO_meth_free>> socket_method() {
  std::unique_ptr<BIO_METHOD, detail::Free<BIO_meth_free>> method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"));
  CHECK(method != nullptr);
  BIO_meth_set_read(method.get(), read_socket);
  BIO_meth_set_write(method.get(), write_socket);
  BIO_meth_set_ctrl(method.get(), control_socket);
  BIO_meth_set_destroy(method.get(), destroy_socket);
  return method;
}

}  // namespace

TlsSocket::TlsSocket(const TlsContext& context, int socket, Bytes first) : state_(std::make_unique<State>()) {
  static const auto method = socket_method();
  state_->socket = socket;
  state_->ahead.assign(first.begin(), first.end());
  state_->ssl.reset(SSL_new(context.state_->context.get()));
  BIO* const bio = BIO_new(method.get());
  CHECK(state_->ssl != nullptr && bio != nullptr);
  BIO_set_data(bio, new Ahead{state_->socket, state_->ahead, state_->taken});
  BIO_set_init(bio, 1);
  SSL_set_bio(state_->ssl.get(), bio, bio);  // which owns it now
  SSL_set_accept_state(state_->ssl.get());
  // One record a call: whoever sends nothing but records without data, or changes of keys, has a turn for each.
  SSL_clear_mode(state_->ssl.get(), SSL_MODE_AUTO_RETRY);
  SSL_set_mode(state_->ssl.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
}

TlsSocket::~TlsSocket() = default;

TlsSocket::Step TlsSocket::step_of(int result) const {
  switch (SSL_get_error(state_->ssl.get(), result)) {
    case SSL_ERROR_NONE:
      return Step::done;
    case SSL_ERROR_WANT_READ:
      return Step::wants_bytes;
    case SSL_ERROR_WANT_WRITE:
      return Step::wants_room;
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    default:
      ERR_clear_error();
      return Step::failed;
  }
}

TlsSocket::Step TlsSocket::handshake() {
  Step step;
  do {
    ERR_clear_error();
    step = step_of(SSL_do_handshake(state_->ssl.get()));
  } while (step == Step::wants_bytes && !state_->ahead.empty());
  return step;
}

TlsSocket::Step TlsSocket::read(MutableBytes into, std::size_t& size) {
  size = 0;
  Step step = state_->ended ? Step::ended : Step::wants_bytes;
  for (unsigned i = 0; i < kRecords && size < into.size() && !state_->ended; ++i) {
    ERR_clear_error();
    const int got = SSL_read(state_->ssl.get(), into.data() + size,
                             static_cast<int>(std::min<std::size_t>(into.size() - size, 1 << 20)));
    step = step_of(got);
    if (step == Step::ended) state_->ended = true;
    if (step != Step::done) break;
    size += static_cast<std::size_t>(got);
    if (!has_more()) break;
  }
  return size > 0 && step != Step::failed ? Step::done : step;
}

bool TlsSocket::has_more() const {
  return state_->ended || !state_->ahead.empty() || SSL_pending(state_->ssl.get()) > 0;
}

TlsSocket::Step TlsSocket::write(Bytes from, std::size_t& size) {
  size = 0;
  while (size < from.size()) {
    ERR_clear_error();
    const int sent = SSL_write(state_->ssl.get(), from.data() + size,
                               static_cast<int>(std::min<std::size_t>(from.size() - size, 1 << 20)));
    const Step step = step_of(sent);
    if (step != Step::done) return step == Step::wants_room ? Step::wants_room : Step::failed;
    size += static_cast<std::size_t>(sent);
  }
  return Step::done;
}

void TlsSocket::say_goodbye() {
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(state_->ssl.get()));
  ERR_clear_error();
}

std::string TlsSocket::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(name), size);
}

bool TlsSocket::resumed() const { return SSL_session_reused(state_->ssl.get()) == 1; }

}  // namespace swage::async
