#include "core/async/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "core/async/carrier.h"
#include "core/async/pieces.h"
#include "core/async/tls_bio.h"
#include "core/async/tls_context.h"
#include "core/net.h"

namespace swage::async {

namespace {

constexpr std::size_t kRecord = std::size_t{16} << 10;  // the most plaintext of a record (RFC 8446 section 5.1)

// "example.com." is the same name, but certificates and SNI have no dot.
std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

struct TlsStream::State : Carrier {
  using Shared = std::shared_ptr<State>;

  State(Loop& loop, std::unique_ptr<Stream> carrier, const TlsContext& how, TlsSide side, std::string name);

  static Task<Result<>> handshake(Shared self);
  static Task<Result<std::size_t>> read(Shared self, MutableBytes into);
  static Task<Result<>> write(Shared self, Parts parts);
  static Task<Result<>> end_writing(Shared self);
  void say_end();
  void leave();  // close(), with a last word if it can be said at once

  Result<> name_server();
  // What came of a call of OpenSSL: begins to send what it left, and where it failed for ever, remembers that.
  Result<int> outcome(int status, const char* doing);
  Result<bool> encrypt(Bytes record);
  [[nodiscard]] std::string agreed_alpn() const;

  TlsContext context;
  std::string server_name;
  MemoryBio memory;
  std::unique_ptr<SSL, detail::Free<SSL_free>> ssl;
  bool begun = false;  // the handshake
  bool done = false;   // the handshake
  bool ended = false;  // the other side said close_notify
  bool said_end = false;
};

TlsStream::State::State(Loop& loop, std::unique_ptr<Stream> carrier, const TlsContext& how, TlsSide side,
                        std::string name)
    : Carrier(loop, std::move(carrier)),
      context(how),
      server_name(without_dot(std::move(name))),
      memory{input()},
      ssl(SSL_new(how.state_->context.get())) {
  CHECK(ssl != nullptr);
  BIO* bio = new_bio(memory);
  SSL_set_bio(ssl.get(), bio, bio);
  if (side == TlsSide::client) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
}

Result<> TlsStream::State::name_server() {
  if (SSL_is_server(ssl.get()) == 1) return {};
  const bool verifies = context.state_->verifies_name;
  if (server_name.empty()) {
    if (verifies) return fail("no name of the server to verify");
    return {};
  }
  ERR_clear_error();
  const char* name = server_name.c_str();
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl.get());
  bool fine = true;
  if (IpAddress::parse(server_name)) {
    fine = !verifies || X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    fine = SSL_set_tlsext_host_name(ssl.get(), name) == 1 && (!verifies || SSL_set1_host(ssl.get(), name) == 1);
  }
  if (!fine) return fail("a name that no server can have: {}", take_openssl_error());
  return {};
}

std::string TlsStream::State::agreed_alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &name, &size);
  return std::string(as_text(Bytes(name, size)));
}

Result<int> TlsStream::State::outcome(int status, const char* doing) {
  const int error = SSL_get_error(ssl.get(), status);
  const bool broken = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  std::string text;
  if (broken) {
    const bool unverified = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    text = take_openssl_error();
    if (unverified) text = fmt::format("{}: {}", text, X509_verify_cert_error_string(SSL_get_verify_result(ssl.get())));
  }
  ERR_clear_error();
  put(memory.output);
  if (broken) return fail_for_ever(Error(fmt::format("{}: {}", doing, text)));
  return error;
}

Task<Result<>> TlsStream::State::handshake(Shared self) {
  CHECK(!std::exchange(self->begun, true));
  if (const auto named = self->name_server(); !named) {
    co_return self->fail_for_ever(Error("TLS handshake: " + named.error().text()));
  }
  for (;;) {
    CO_TRY(self->can_write());
    ERR_clear_error();
    const int status = SSL_do_handshake(self->ssl.get());
    CO_TRY(const int error, self->outcome(status, "TLS handshake"));
    if (error == SSL_ERROR_NONE) break;
    if (error != SSL_ERROR_WANT_READ) co_return self->fail_for_ever(Error("TLS handshake: not possible"));
    CO_TRY(const bool more, co_await self->fill());
    if (!more) co_return self->fail_for_ever(Error("TLS handshake: the other side closed the connection"));
  }
  self->done = true;
  co_return {};
}

Task<Result<std::size_t>> TlsStream::State::read(Shared self, MutableBytes into) {
  CHECK(!into.empty());
  for (;;) {
    CO_TRY(self->can_read());
    if (!self->done) co_return fail("read: no TLS handshake was made");
    if (self->ended) co_return 0U;
    std::size_t size = 0;
    ERR_clear_error();
    const int status = SSL_read_ex(self->ssl.get(), into.data(), into.size(), &size);
    CO_TRY(const int error, self->outcome(status, "TLS"));
    self->release_input();
    self->notify();  // a message may be whole now for which a write had to wait
    if (error == SSL_ERROR_NONE) co_return size;
    self->ended = error == SSL_ERROR_ZERO_RETURN;
    if (self->ended) continue;
    if (error != SSL_ERROR_WANT_READ) co_return self->fail_for_ever(Error("TLS: not possible"));
    CO_TRY(const bool more, co_await self->fill());
    if (!more) co_return self->fail_for_ever(Error("TLS: truncated: the connection ended without close_notify"));
  }
}

// False where OpenSSL must first read the rest of a message that the reader has begun with.
Result<bool> TlsStream::State::encrypt(Bytes record) {
  std::size_t size = 0;
  ERR_clear_error();
  const int status = SSL_write_ex(ssl.get(), record.data(), record.size(), &size);
  TRY(const int error, outcome(status, "TLS"));
  if (error == SSL_ERROR_NONE) return true;
  if (error == SSL_ERROR_WANT_READ) return false;
  return fail_for_ever(Error("TLS: not possible"));
}

Task<Result<>> TlsStream::State::write(Shared self, Parts parts) {
  CO_TRY(self->can_write());
  if (!self->done) co_return fail("write: no TLS handshake was made");
  if (self->said_end) co_return fail("write: after the end");
  Pieces records(parts, kRecord);
  for (Bytes record = records.next(); !record.empty(); record = records.next()) {
    for (;;) {
      CO_TRY(self->can_write());
      CO_TRY(const bool encrypted, self->encrypt(record));
      if (encrypted) break;
      co_await self->change();
    }
    CO_TRY(co_await self->written(kRoom));
  }
  co_return co_await self->written(0);
}

void TlsStream::State::say_end() {
  ERR_clear_error();
  const int status = SSL_shutdown(ssl.get());
  static_cast<void>(outcome(status == 0 ? 1 : status, "TLS"));  // 0: the other side did not say it yet
  said_end = true;
}

Task<Result<>> TlsStream::State::end_writing(Shared self) {
  CO_TRY(self->can_write());
  if (!self->done) co_return fail("write: no TLS handshake was made");
  while (SSL_in_init(self->ssl.get()) == 1) {  // as in encrypt()
    co_await self->change();
    CO_TRY(self->can_write());
  }
  if (!self->said_end) self->say_end();
  co_return co_await self->written(0);
}

void TlsStream::State::leave() {
  const bool can_say_it = done && !said_end && can_write() && pending() == 0 && SSL_in_init(ssl.get()) == 0;
  if (can_say_it) say_end();
  close();
}

TlsStream::TlsStream(Loop& loop, std::unique_ptr<Stream> carrier, const TlsContext& context, TlsSide side,
                     std::string server_name)
    : state_(std::make_shared<State>(loop, std::move(carrier), context, side, std::move(server_name))) {}

TlsStream::~TlsStream() { close(); }

Task<Result<>> TlsStream::handshake() { return Carrier::all_of(state_, State::handshake(state_)); }

Task<Result<std::size_t>> TlsStream::read(MutableBytes into) { return State::read(state_, into); }

Task<Result<>> TlsStream::write_parts(Parts parts) { return Carrier::all_of(state_, State::write(state_, parts)); }

Task<Result<>> TlsStream::end_writing() { return Carrier::all_of(state_, State::end_writing(state_)); }

void TlsStream::close() { state_->leave(); }

std::string TlsStream::alpn() const { return state_->agreed_alpn(); }

std::vector<std::uint8_t> TlsStream::peer_certificate() const {
  const std::unique_ptr<X509, detail::Free<X509_free>> certificate(SSL_get1_peer_certificate(state_->ssl.get()));
  if (!certificate) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(std::max(i2d_X509(certificate.get(), nullptr), 0)));
  std::uint8_t* at = der.data();
  i2d_X509(certificate.get(), &at);
  return der;
}

}  // namespace swage::async
