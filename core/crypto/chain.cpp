#include "core/crypto/chain.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>

#include "core/crypto/openssl.h"

namespace swage::crypto {
namespace {

constexpr std::int64_t kSoon = std::int64_t{7} * 86400;  // seconds
constexpr std::size_t kMaxNames = 5;                     // that are told

using OwnedX509 = std::unique_ptr<X509, Free<X509_free>>;

std::vector<OwnedX509> read_all(std::string_view pem) {
  std::vector<OwnedX509> found;
  if (pem.size() > std::numeric_limits<int>::max()) return found;
  const std::unique_ptr<BIO, Free<BIO_free>> reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* const next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) found.emplace_back(next);
  return found;
}

std::int64_t seconds(const ASN1_TIME* time) {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? static_cast<std::int64_t>(timegm(&utc)) : 0;
}

std::string date(std::int64_t time) {
  const std::time_t value = time;
  std::tm utc{};
  gmtime_r(&value, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return {text, size};
}

std::string name_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, Free<BIO_free>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

// The DNS names that it is for.
std::string names_in(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  std::size_t count = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (++count > kMaxNames) return text + ", …";
    const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    text +=
        (text.empty() ? "" : ", ") + std::string(bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return text.empty() ? "no DNS name" : text;
}

void judge_time(X509* certificate, std::size_t place, std::int64_t now, ChainReport& report) {
  const std::string which = place == 0 ? "the certificate" : fmt::format("certificate {} of the chain", place + 1);
  const std::int64_t from = seconds(X509_get0_notBefore(certificate)), to = seconds(X509_get0_notAfter(certificate));
  if (place == 0 || to < report.expires) report.expires = to;
  if (now > to) {
    report.objections.push_back(fmt::format("{} has expired on {}", which, date(to)));
  } else if (now < from) {
    report.objections.push_back(fmt::format("{} is not valid before {}", which, date(from)));
  } else if (to - now < kSoon) {
    report.objections.push_back(fmt::format("{} expires soon, on {}", which, date(to)));
  }
}

bool issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

// Whether this machine has the issuer among its authorities.
bool is_known(X509* certificate) {
  const std::unique_ptr<X509_STORE, Free<X509_STORE_free>> store(X509_STORE_new());
  if (!store || X509_STORE_set_default_paths(store.get()) != 1) return false;
  const std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>> search(X509_STORE_CTX_new());
  if (!search || X509_STORE_CTX_init(search.get(), store.get(), certificate, nullptr) != 1) return false;
  X509* found = nullptr;
  const bool known = X509_STORE_CTX_get1_issuer(&found, search.get(), certificate) == 1;
  const OwnedX509 owned(found);
  return known;
}

void judge_issuers(const std::vector<OwnedX509>& chain, ChainReport& report) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (issued(chain[i + 1].get(), chain[i].get())) continue;
    report.objections.push_back(
        fmt::format("certificate {} of the chain, {}, did not issue the one before it, whose issuer is {}", i + 2,
                    name_of(X509_get_subject_name(chain[i + 1].get())), name_of(X509_get_issuer_name(chain[i].get()))));
    return;
  }
  X509* const last = chain.back().get();
  const bool is_authority = X509_check_ca(last) >= 1 && chain.size() > 1;
  if (is_authority || issued(last, last) || is_known(last)) return;
  report.objections.push_back(fmt::format(
      "the chain is not complete, it seems: the issuer of its last certificate, {}, is not in the file, and "
      "not known to this machine",
      name_of(X509_get_issuer_name(last))));
}

}  // namespace

Result<ChainReport> judge_chain(std::string_view pem, const std::string& host, std::int64_t now) {
  const ErrorMark mark;
  const std::vector<OwnedX509> chain = read_all(pem);
  if (chain.empty()) return fail("no certificate in PEM");
  ChainReport report;
  for (std::size_t i = 0; i < chain.size(); ++i) judge_time(chain[i].get(), i, now, report);
  if (X509_check_host(chain[0].get(), host.data(), host.size(), 0, nullptr) != 1) {
    report.objections.push_back(
        fmt::format("the certificate is not for {}, but for {}", host, names_in(chain[0].get())));
  }
  judge_issuers(chain, report);
  return report;
}

}  // namespace swage::crypto
