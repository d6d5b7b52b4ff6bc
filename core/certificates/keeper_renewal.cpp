// When the CA wants a certificate renewed (ARI, RFC 9773).
#include <algorithm>
#include <ctime>
#include <utility>

#include "core/acme/times.h"
#include "core/certificates/keeper.h"
#include "core/log.h"

namespace swage::certificates {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kLeast = 60s, kUsual = 6h, kMost = 24h;  // between two questions

}  // namespace

// From time to time. Where the CA says nothing, what it said before holds no more.
async::Task<> Keeper::ask_when(async::Loop& loop, const crypto::Issued& issued) {
  if (suggested_for_ == issued.renewal_id && loop.now() < ask_again_) co_return;
  ask_again_ = loop.now() + std::chrono::nanoseconds(kUsual).count();
  suggested_.reset();
  suggested_for_ = issued.renewal_id;
  if (issued.renewal_id.empty()) co_return;
  const std::string id = issued.renewal_id;
  const Result<acme::RenewalInfo> info = co_await ask_ca(loop, id);
  if (info) {
    suggested_ = *info;
  } else {
    log::debug("plugin/{}: {}: the CA does not say when to renew: {}", settings_.plugin, settings_.names.front(),
               info.error().text());
  }
}

async::Task<Result<acme::RenewalInfo>> Keeper::ask_ca(async::Loop& loop, std::string id) {
  http::Fetcher fetcher(loop, fetcher_settings());
  acme::Ask directory{settings_.directory};
  CO_TRY(const acme::Reply first, co_await send(fetcher, std::move(directory)));
  CO_TRY(const std::string url, acme::renewal_url(first.body));
  acme::Ask question{url + "/" + id};
  CO_TRY(const acme::Reply reply, co_await send(fetcher, std::move(question)));
  if (reply.status != 200) co_return fail("the reply has the status {}", reply.status);
  const std::chrono::seconds later = std::clamp<std::chrono::seconds>(
      acme::parse_retry_after(reply.retry_after, std::time(nullptr)).value_or(kUsual), kLeast, kMost);
  ask_again_ = loop.now() + std::chrono::nanoseconds(later).count();
  co_return acme::read_renewal_info(reply.body);
}

}  // namespace swage::certificates
