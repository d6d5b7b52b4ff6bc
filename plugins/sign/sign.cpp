#include "plugins/sign/sign.h"

#include <ctime>
#include <filesystem>

#include "core/async/work.h"
#include "core/counted.h"
#include "core/log.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"
#include "core/zonefile/writer.h"

namespace swage::plugins::sign {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 2s;  // at the file and the time

// What the parent is to have: as CoreDNS does it, always.
signing::KeysOf with_cds(signing::KeysOf keys_of) {
  return [keys_of = std::move(keys_of)](std::int64_t now) {
    Result<swage::dnssec::ZoneKeys> keys = keys_of(now);
    if (!keys || !keys->cds.empty()) return keys;
    for (const std::size_t index : keys->sign_keys) {
      const swage::dnssec::Key& key = keys->published[index];
      keys->cds.push_back(swage::dnssec::ds_of(key, swage::dnssec::DsDigest::sha256));
      keys->cdnskey.emplace_back(key.dnskey().begin(), key.dnskey().end());
    }
    return keys;
  };
}

}  // namespace

SignService::SignService(SignedFile file)
    : file_(std::move(file)),
      maker_(file_.apex, file_.settings, with_cds(signing::keys_from(file_.keys, file_.apex, "plugin/sign"))),
      watch_(file_.keys) {}

Result<shm::Segment> SignService::read(const std::string& path, bool tells) const {
  zone::Builder builder(file_.apex);
  const Result<> done = zonefile::read_file(path, file_.apex, builder);
  if (tells) {
    for (const std::string& line : builder.report().warnings()) log::warning("plugin/sign: {}", line);
  }
  if (!done) return std::unexpected(done.error());
  TRY(shm::Segment image, shm::Segment::create("swage sign " + file_.apex.to_string(), builder.image_size()));
  builder.write(image.writable_bytes());
  TRY(zone::View::check(image.bytes()));
  return image;
}

// On any thread. What was written last is where signatures are taken from that are still good.
Result<> SignService::sign() {
  stamp_ = FileStamp::of(file_.path);
  TRY(const shm::Segment plain, read(file_.path, true));
  if (!std::filesystem::exists(file_.signed_path)) {
    last_.reset();
  } else if (!last_) {
    Result<shm::Segment> last = read(file_.signed_path, false);
    if (!last) log::warning("plugin/sign: {}; the zone is signed anew", last.error().text());
    if (last) last_ = *std::move(last);
  }
  const std::int64_t now = std::time(nullptr);
  const Bytes before = last_ ? last_->bytes() : Bytes();
  TRY(auto made, maker_.make(plain.bytes(), before, now, "swage sign " + file_.apex.to_string()));
  if (made.image) {
    const std::string comment = formatted("{} signed by swage from {}", file_.apex.to_string(), file_.path);
    TRY(zonefile::save(file_.signed_path, made.image->bytes(), comment));
    last_ = *std::move(made.image);
    log::info("plugin/sign: {}: {} made, {} kept, serial {}, written to {}; again on {}", file_.apex.to_string(),
              counted(made.figures.made, "signature"), made.figures.kept, zone::View(last_->bytes()).serial(),
              file_.signed_path, signing::time_text(made.next));
  }
  file_.made.add(made.image ? made.figures.made : 0);
  file_.expiry.set(static_cast<double>(zone::View(last_->bytes()).signatures_expire_at(now).value_or(0)));
  due_ = made.next;
  return {};
}

Result<> SignService::prepare() {
  const Result<> done = sign();
  if (!done) return std::unexpected(file_.directive.error(done.error().text()));
  return {};
}

void SignService::report(const Result<>& done) {
  const std::string problem = done ? "" : done.error().text();
  if (!done) file_.failures.add();
  if (!done && problem != problem_) {
    log::error("plugin/sign: {}: {}; {} stays as it was, with signatures that get older", file_.apex.to_string(),
               problem, file_.signed_path);
  } else if (done && !problem_.empty()) {
    log::info("plugin/sign: {}: can be signed again", file_.apex.to_string());
  }
  problem_ = problem;
}

// On any thread.
bool SignService::must_sign(std::int64_t now) {
  const FileStamp stamp = FileStamp::of(file_.path);
  const bool settled = std::exchange(seen_, stamp) == stamp;
  if (stamp != stamp_ && settled) return true;
  if (!watch_.is_due(now)) return problem_.empty() && due_ <= now;  // after an error, with the next look at the keys
  return !problem_.empty() || due_ <= now || maker_.keys_differ(now);
}

async::Task<Result<>> SignService::run(Host& host) {
  host.loop().spawn(stop_at_end(host));
  while (true) {
    const bool stopped = co_await host.stopping(kLook);
    if (stopped) co_return Result<>();
    const auto look = [this] { return must_sign(std::time(nullptr)); };
    const bool needed = co_await async::work(host.loop(), look);
    if (!needed) continue;
    const auto again = [this] { return sign(); };
    const Result<> done = co_await async::work(host.loop(), again);
    if (!done && host.stopping().is_set()) co_return Result<>();
    report(done);
  }
}

async::Task<> SignService::stop_at_end(Host& host) {
  co_await host.stopping().wait();
  maker_.stop();
}

}  // namespace swage::plugins::sign
