#include "core/http/transfer.h"

#include <string_view>

#include <fmt/format.h>

#include "core/text.h"

namespace swage::http {

namespace {

constexpr const char* kMayBeRefused = "; the server may refuse our certificate, or want one";

}  // namespace

Transfer::Transfer(CurlLoop& loop, const Fetcher::Settings& settings, const Fetcher::Request& request, Length length,
                   Receiver& receiver)
    : loop_(loop), easy_(curl().easy_init()) {
  CHECK(easy_ != nullptr);
  set(CURLOPT_PRIVATE, static_cast<Transferred*>(&receiver));
  set(CURLOPT_WRITEDATA, &receiver);
  set(CURLOPT_WRITEFUNCTION, &Transfer::take);
  set(CURLOPT_ERRORBUFFER, problem_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // else the loop would wait for getaddrinfo at a time-out
  set(CURLOPT_FORBID_REUSE, settings.reuse ? 0L : 1L);
  set(CURLOPT_TCP_KEEPALIVE, settings.reuse ? 1L : 0L);
  identify(settings);
  limit(settings, request, length);
  connect(settings, request);
  ask(request);
  loop_.add(easy_);
}

Transfer::~Transfer() {
  loop_.remove(easy_);
  curl().easy_cleanup(easy_);
  curl().slist_free_all(fields_);
  curl().slist_free_all(connect_to_);
}

void Transfer::identify(const Fetcher::Settings& settings) {
  set(CURLOPT_USERAGENT, settings.user_agent.c_str());
  if (!settings.authorities.empty()) {
    set(CURLOPT_CAINFO, settings.authorities.c_str());
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);  // a file that is replaced holds for the next connection, and not in a day
  }
  if (!settings.certificate.empty()) set(CURLOPT_SSLCERT, settings.certificate.c_str());
  if (!settings.key.empty()) set(CURLOPT_SSLKEY, settings.key.c_str());
  set_text(CURLOPT_CAINFO_BLOB, settings.authorities_text);
  set_text(CURLOPT_SSLCERT_BLOB, settings.certificate_text);
  set_text(CURLOPT_SSLKEY_BLOB, settings.key_text);
}

// REQUIRES: `text` outlives the transfer.
void Transfer::set_text(CURLoption option, const std::string& text) {
  if (text.empty()) return;
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
  set(option, &blob);
}

void Transfer::connect(const Fetcher::Settings& settings, const Fetcher::Request& request) {
  set(CURLOPT_HTTP_VERSION, static_cast<long>(settings.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (settings.http2) set(CURLOPT_PIPEWAIT, 1L);
  if (settings.idle.count() > 0) set(CURLOPT_MAXAGE_CONN, static_cast<long>(settings.idle.count()));
  if (settings.max_age.count() > 0) set(CURLOPT_MAXLIFETIME_CONN, static_cast<long>(settings.max_age.count()));
  if (!settings.from.empty()) set(CURLOPT_INTERFACE, ("host!" + settings.from).c_str());
  if (request.connect_to.empty()) return;
  connect_to_ = curl().slist_append(nullptr, ("::" + request.connect_to).c_str());
  CHECK(connect_to_ != nullptr);
  set(CURLOPT_CONNECT_TO, connect_to_);
}

void Transfer::limit(const Fetcher::Settings& settings, const Fetcher::Request& request, Length length) {
  secure_ = request.url.starts_with("https:");
  const auto time = static_cast<long>((request.timeout.count() > 0 ? request.timeout : settings.timeout).count());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, secure_ ? "https" : "http,https");
  set(CURLOPT_FOLLOWLOCATION, request.body ? 0L : 1L);  // a POST would become a GET
  set(CURLOPT_MAXREDIRS, static_cast<long>(settings.redirects));
  set(CURLOPT_CONNECTTIMEOUT_MS, time);
  if (length == Length::endless) return;
  set(CURLOPT_TIMEOUT_MS, time);
  set(CURLOPT_ACCEPT_ENCODING, "gzip");  // unpacked piece by piece: take() counts
}

void Transfer::ask(const Fetcher::Request& request) {
  set(CURLOPT_URL, request.url.c_str());
  for (const std::string& each : request.fields) add_field(each);
  if (request.body) {
    // No asking whether to send it. curl 7.88 would sign the field that it leaves out then; a body of less than a
    // megabyte it does not ask for.
    if (!request.signature) add_field("Expect:");
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body->size()));
    set(CURLOPT_POSTFIELDS, request.body->data());
  }
  if (request.signature) {
    sign(*request.signature);
  } else if (!request.user.empty()) {
    set(CURLOPT_USERNAME, request.user.c_str());
    set(CURLOPT_PASSWORD, request.password.c_str());
  }
  set(CURLOPT_HTTPHEADER, fields_);
}

void Transfer::sign(const Fetcher::AwsSignature& signature) {
  set(CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:{}", signature.region, signature.service).c_str());
  set(CURLOPT_USERNAME, signature.key_id.c_str());
  set(CURLOPT_PASSWORD, signature.secret.c_str());
  if (!signature.token.empty()) add_field("X-Amz-Security-Token: " + signature.token);
}

void Transfer::add_field(const std::string& field) {
  curl_slist* const longer = curl().slist_append(fields_, field.c_str());
  CHECK(longer != nullptr);
  fields_ = longer;
}

void Transfer::go_on() { curl().easy_pause(easy_, CURLPAUSE_CONT); }

std::size_t Transfer::take(char* data, std::size_t, std::size_t size, void* receiver) {
  return static_cast<Receiver*>(receiver)->take({data, size});
}

std::string Transfer::problem(CURLcode code) const {
  const std::string_view details = problem_.data();
  const bool is_of_tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM ||
                         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
                         details.contains("SSL routines");
  if (is_of_tls && !details.empty()) return printable(details);
  // Who refuses our certificate says so after the handshake, as TLS 1.3 has it, and closes: what says so may be lost.
  const bool is_cut = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
  const bool may_be_refused = is_cut && secure_ && !on_older_connection();
  return std::string(curl().easy_strerror(code)) + (may_be_refused ? kMayBeRefused : "");
}

unsigned Transfer::status() const {
  long status = 0;
  curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<unsigned>(status);
}

bool Transfer::on_older_connection() const {
  long made = 0;
  curl().easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &made);
  return made == 0;
}

std::string Transfer::field(const char* name) const {
  curl_header* found = nullptr;
  return curl().easy_header(easy_, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

}  // namespace swage::http
