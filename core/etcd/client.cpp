#include "core/etcd/client.h"

#include <algorithm>
#include <utility>

#include "core/etcd/connection.h"
#include "core/etcd/gateway.h"

namespace swage::etcd {

using async::Task;
using std::chrono::seconds;

Client::Client(async::Loop& loop, Settings settings) : state_(std::make_unique<State>(loop, std::move(settings))) {}

Client::~Client() = default;

Client::Counts Client::counts() const { return state_->counts; }

void Client::use_password(std::string password) { state_->settings.password = std::move(password); }

Task<Expected<Revision>> Client::put(Put put) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kPut, gateway::text_of(put)));
  co_return state_->said(gateway::revision_in(reply));
}

Task<Expected<Revision>> Client::remove(Remove remove) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kRemove, gateway::text_of(remove)));
  co_return state_->said(gateway::revision_in(reply));
}

Task<Expected<Page>> Client::range(Range range) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kRange, gateway::text_of(range)));
  co_return state_->said(gateway::page_in(reply));
}

Task<Expected<Revision>> Client::read(Range range, std::function<void(std::vector<KeyValue>)> take) {
  if (range.limit == 0) range.limit = 10'000;
  while (true) {
    CO_TRY(Page page, co_await this->range(range));
    if (range.revision == 0) range.revision = page.revision;
    const bool more = page.more && !page.found.empty();
    if (more && page.found.back().key < range.key) {
      Failure wrong{.kind = Failure::Kind::unavailable, .text = "keys come in a wrong order"};
      co_return std::unexpected(state_->at(state_->current, std::move(wrong)));
    }
    if (more) range.key = page.found.back().key + '\0';
    take(std::move(page.found));
    if (!more) co_return range.revision;
  }
}

Task<Expected<Transacted>> Client::transact(Transaction transaction) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kTransact, gateway::text_of(transaction)));
  co_return state_->said(gateway::transacted_in(reply));
}

Task<Expected<Client::Granted>> Client::grant(seconds ttl) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kGrant, gateway::grant_text(ttl)));
  co_return state_->said(gateway::granted_in(reply));
}

Task<Expected<seconds>> Client::keep_alive(LeaseId lease) {
  CO_TRY(const std::string reply, co_await state_->ask(gateway::kKeepAlive, gateway::lease_text(lease)));
  co_return state_->said(gateway::kept_alive_in(reply));
}

Task<Expected<>> Client::revoke(LeaseId lease) {
  CO_TRY(co_await state_->ask(gateway::kRevoke, gateway::lease_text(lease)));
  co_return Expected<>();
}

}  // namespace swage::etcd
