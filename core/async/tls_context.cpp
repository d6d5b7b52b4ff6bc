#include "core/async/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "core/counted.h"

namespace swage::async {

namespace {

using detail::Alpn;
using detail::Free;
using SslContext = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

constexpr long kMostCertificates = 32 << 10;  // bytes that a client shows

Result<Bio> reader_of(std::string_view pem) {
  if (pem.size() > std::numeric_limits<int>::max()) return fail("too large");
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// All certificates of `pem`, in order; at least one.
Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  TRY(const Bio reader, reader_of(pem));
  std::vector<Certificate> found;
  ERR_clear_error();
  while (Certificate next{PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)}) found.push_back(std::move(next));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = take_openssl_error();
  if (!at_end) return fail("certificate {}: {}", found.size() + 1, error);
  if (found.empty()) return fail("no certificate in PEM");
  return found;
}

Result<Key> read_key(std::string_view pem) {
  TRY(const Bio reader, reader_of(pem));
  bool encrypted = false;
  const auto no_password = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_password, &encrypted));
  const std::string error = take_openssl_error();
  if (key) return key;
  if (encrypted) return fail("the private key is encrypted");
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) return fail("no private key in PEM");
  return fail("private key: {}", error);
}

Result<Certificate> parse_certificate(Bytes der) {
  const std::uint8_t* at = der.data();
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const std::string error = take_openssl_error();
  if (!certificate) return fail("certificate: {}", error);
  if (at != der.data() + der.size())
    return fail("certificate: {} after it", counted(static_cast<std::size_t>(der.data() + der.size() - at), "byte"));
  return certificate;
}

Result<Key> parse_key(Bytes der) {
  const std::uint8_t* at = der.data();
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  Key key(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
  const std::string error = take_openssl_error();
  if (!key) return fail("private key: {}", error);
  if (at != der.data() + der.size()) return fail("private key: bytes after it");
  return key;
}

// What all sides have in common.
Result<SslContext> new_context(const SSL_METHOD* method, int min_version) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(method));
  // TLS 1.2 only with forward secrecy and authenticated encryption (RFC 9325); 1.3 has nothing else.
  if (!context || SSL_CTX_set_min_proto_version(context.get(), min_version) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return fail("{}", take_openssl_error());
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

Result<> use(SSL_CTX* context, X509* certificate, EVP_PKEY* key) {
  ERR_clear_error();
  if (X509_check_private_key(certificate, key) != 1) {
    ERR_clear_error();
    return fail("the private key is not that of the certificate");
  }
  if (SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1) {
    return fail("certificate: {}", take_openssl_error());
  }
  return {};
}

Result<> use(SSL_CTX* context, const TlsCertificate& certificate) {
  TRY(const auto chain, read_certificates(certificate.chain_pem));
  TRY(const auto key, read_key(certificate.key_pem));
  TRY(use(context, chain[0].get(), key.get()));
  for (const Certificate& issuer : std::span(chain).subspan(1)) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return fail("certificate: {}", take_openssl_error());
  }
  return {};
}

// Takes any chain for good, without looking at it.
void accept_any_chain(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
}

// Takes any certificate that comes alone (libp2p/specs tls/tls.md, "Peer Authentication").
void accept_any_certificate(SSL_CTX* context) {
  const auto is_alone = [](X509_STORE_CTX* chain, void*) {
    if (sk_X509_num(X509_STORE_CTX_get0_untrusted(chain)) == 1) return 1;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_CHAIN_TOO_LONG);
    return 0;
  };
  SSL_CTX_set_cert_verify_callback(context, is_alone, nullptr);
}

Result<> use_authorities(SSL_CTX* context, std::string_view ca_pem) {
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return fail("{}", take_openssl_error());
    return {};
  }
  TRY(const auto authorities, read_certificates(ca_pem));
  for (const Certificate& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1) {
      return fail("{}", take_openssl_error());
    }
  }
  return {};
}

// As they stand in a message (RFC 7301 section 3.1): each after its length.
Result<std::string> encode_alpn(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return fail("a protocol of {} bytes for ALPN", protocol.size());
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  if (wire.size() > 65535) return fail("too many protocols for ALPN");
  return wire;
}

Result<> offer_alpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
  TRY(const std::string wire, encode_alpn(protocols));
  if (wire.empty()) return {};
  if (SSL_CTX_set_alpn_protos(context, as_bytes(wire).data(), static_cast<unsigned>(wire.size())) != 0) {
    return fail("{}", take_openssl_error());
  }
  return {};
}

// Finds `protocol` in what a client offers.
Bytes find_protocol(std::string_view protocol, Bytes offered) {
  while (!offered.empty()) {
    const std::size_t size = std::min<std::size_t>(offered[0], offered.size() - 1);
    const Bytes one = offered.subspan(1, size);
    if (as_text(one) == protocol) return one;
    offered = offered.subspan(1 + size);
  }
  return {};
}

// Called by a server with what the client offers.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                    void* argument) {
  const auto* alpn = static_cast<const Alpn*>(argument);
  for (const std::string& protocol : alpn->protocols) {
    const Bytes found = find_protocol(protocol, Bytes(in, in_size));
    if (found.empty()) continue;
    *out = found.data();
    *out_size = static_cast<unsigned char>(found.size());
    return SSL_TLSEXT_ERR_OK;
  }
  return alpn->must_match ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

void answer_alpn(SSL_CTX* context, Alpn& alpn) {
  if (!alpn.protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, &alpn);
}

// Where the keys are is in the context, for a function of C.
int ticket_keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Called for a ticket that is to be made, or that a client shows: sets the key that it is to be opened with. 0: it is
// nobody's, and the client gets a whole handshake; 2: it is to be replaced.
int choose_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      int make) noexcept {
  constexpr std::size_t kName = 16, kSecret = 32;
  const auto* const keys =
      static_cast<const std::function<Bytes()>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ticket_keys_index()));
  Bytes all = (*keys)();
  bool is_newest = true;
  while (make == 0 && all.size() >= kTicketKey && !std::equal(name, name + kName, all.begin())) {
    all = all.subspan(kTicketKey);
    is_newest = false;
  }
  if (all.size() < kTicketKey) return make != 0 ? -1 : 0;
  if (make != 0) {
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
    std::copy_n(all.begin(), kName, name);
  }
  std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(&all[kName + kSecret]), kSecret),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
  if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, &all[kName], iv, make) != 1) return -1;
  return make != 0 || is_newest ? 1 : 2;
}

// What a session was made for: one of another listener, which asks less of its clients, is not resumed.
Result<> set_session_context(SSL_CTX* context, const TlsServer& settings) {
  std::string text(1, static_cast<char>(settings.clients));
  text += settings.authorities;
  text += settings.certificate.chain_pem;
  for (const std::string& protocol : settings.alpn) text += protocol + ";";
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 ||
      SSL_CTX_set_session_id_context(context, digest.data(), size) != 1) {
    return fail("{}", take_openssl_error());
  }
  return {};
}

// Two hours, as many implementations have it; the keys of tickets say for how long in truth.
constexpr long kSessionTime = 7200;  // seconds

void give_tickets(SSL_CTX* context, std::function<Bytes()>& keys) {
  if (keys && keys().size() >= kTicketKey) {
    SSL_CTX_set_ex_data(context, ticket_keys_index(), &keys);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, choose_ticket_key);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, kSessionTime);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
}

Result<> ask_clients(SSL_CTX* context, const TlsServer& settings) {
  using enum TlsClients;
  if (settings.clients == none) return {};
  const bool must = settings.clients == require || settings.clients == verify;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  SSL_CTX_set_max_cert_list(context, kMostCertificates);
  if (settings.clients == request || settings.clients == require) {
    accept_any_chain(context);
    return {};
  }
  if (settings.authorities.empty()) return fail("no authorities to verify clients with");
  TRY(use_authorities(context, settings.authorities));
  TRY(const auto authorities, read_certificates(settings.authorities));
  for (const Certificate& each : authorities) {
    if (SSL_CTX_add_client_CA(context, each.get()) != 1) return fail("{}", take_openssl_error());
  }
  return {};
}

// A TlsContext's State, whose type is not known here.
template <typename State>
Result<std::shared_ptr<State>> make_state(const SSL_METHOD* method, int min_version, std::vector<std::string> alpn) {
  auto state = std::make_shared<State>();
  state->alpn.protocols = std::move(alpn);
  TRY(state->context, new_context(method, min_version));
  TRY(offer_alpn(state->context.get(), state->alpn.protocols));
  return state;
}

}  // namespace

std::string take_openssl_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error of OpenSSL";
}

Result<TlsContext> TlsContext::server(std::string_view chain_pem, std::string_view key_pem,
                                      std::vector<std::string> alpn) {
  TRY(auto state, make_state<State>(TLS_server_method(), TLS1_2_VERSION, std::move(alpn)));
  SSL_CTX* context = state->context.get();
  TRY(use(context, {chain_pem, key_pem}));
  answer_alpn(context, state->alpn);
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::server(const TlsServer& settings) {
  TRY(auto state, make_state<State>(TLS_server_method(), TLS1_2_VERSION, settings.alpn));
  SSL_CTX* context = state->context.get();
  if (SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) return fail("{}", take_openssl_error());
  if (!settings.certificate.chain_pem.empty()) {
    TRY(use(context, settings.certificate));
  }
  TRY(ask_clients(context, settings));
  TRY(set_session_context(context, settings));
  state->tickets = settings.tickets;
  give_tickets(context, state->tickets);
  state->alpn.must_match = true;
  answer_alpn(context, state->alpn);
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::client(std::string_view ca_pem, std::vector<std::string> alpn,
                                      const std::optional<TlsCertificate>& own) {
  TRY(auto state, make_state<State>(TLS_client_method(), TLS1_2_VERSION, std::move(alpn)));
  if (own) {
    TRY(use(state->context.get(), *own));
  }
  TRY(use_authorities(state->context.get(), ca_pem));
  SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_PEER, nullptr);
  state->verifies_name = true;
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::unverified_client(std::vector<std::string> alpn) {
  TRY(auto state, make_state<State>(TLS_client_method(), TLS1_2_VERSION, std::move(alpn)));
  SSL_CTX_set_verify(state->context.get(), SSL_VERIFY_NONE, nullptr);
  accept_any_chain(state->context.get());
  return TlsContext(std::move(state));
}

Result<TlsContext> TlsContext::mutual(Bytes certificate_der, Bytes key_der, std::vector<std::string> alpn) {
  TRY(auto state, make_state<State>(TLS_method(), TLS1_3_VERSION, std::move(alpn)));
  SSL_CTX* context = state->context.get();
  TRY(const auto certificate, parse_certificate(certificate_der));
  TRY(const auto key, parse_key(key_der));
  TRY(use(context, certificate.get(), key.get()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  accept_any_certificate(context);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  state->alpn.must_match = true;
  answer_alpn(context, state->alpn);
  return TlsContext(std::move(state));
}

}  // namespace swage::async
