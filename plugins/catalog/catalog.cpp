#include "plugins/catalog/catalog.h"

#include "core/zone/view.h"

namespace swage::plugins::catalog {
namespace {

std::optional<ZoneVersion> version_of(const ServedCatalog& catalog) {
  shm::Held image = catalog.image->hold();
  if (image.bytes.empty()) return {};
  return ZoneVersion{std::move(image), catalog.journal->hold()};
}

}  // namespace

// The SOA record, by which secondaries find out whether there is a new version. The rest is for those that may transfer
// it: who they are *transfer* knows.
Result<Outcome> Catalogs::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in) return next(query, response);
  const ServedCatalog* found = nullptr;
  for (const ServedCatalog& catalog : catalogs_) {
    if (!query.key.view().is_under(catalog.contents.apex)) continue;
    if (found == nullptr || catalog.contents.apex.size() > found->contents.apex.size()) found = &catalog;
  }
  if (found == nullptr) return next(query, response);
  const bool is_apex = query.key == found->contents.apex.view();
  if (is_apex && query.qtype == dns::Type::ds) return next(query, response);  // its parent's (RFC 4035 section 3.1.4.1)
  if (!is_apex || query.qtype != dns::Type::soa) {
    add_extended_error(response, dns::ExtendedError::prohibited, "a catalog is transferred, not asked");
    return Outcome::send;
  }
  const Bytes image = found->image->bytes();
  if (image.empty()) {
    add_extended_error(response, dns::ExtendedError::not_ready, "the catalog is not made yet");
    return fail("catalog {} is not made yet", found->contents.apex.to_string());
  }
  zone::View(image).answer(query, response);
  zone::View(image).add_options(query, response);
  return Outcome::send;
}

std::optional<ZoneVersion> Catalogs::find(dns::NameView apex) const {
  for (const ServedCatalog& catalog : catalogs_) {
    if (catalog.contents.apex == apex) return version_of(catalog);
  }
  return {};
}

void Catalogs::for_each(const std::function<void(const ZoneVersion& zone)>& visit) const {
  for (const ServedCatalog& catalog : catalogs_) {
    if (const auto version = version_of(catalog)) visit(*version);
  }
}

}  // namespace swage::plugins::catalog
