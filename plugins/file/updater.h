// Updater: dynamic updates of one zone (RFC 2136), in the service process. It is handed requests as dns processes got
// them (core/plugin/relay.h), verifies who signed them, applies them to the zone in force, has what changes on disk and
// published, and signs the answers. No dns process can do any of that: keys are read here alone.
//
// Requests are taken in batches: what arrives while one is under way makes the next one. So a zone of a million
// records, whose image takes seconds to build, costs as many seconds a batch, and not a request. A batch is on disk
// before it is published, and published before it is answered; where it cannot be written, all of it is SERVFAIL and
// the zone stays.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/dnssec/zone_signer.h"
#include "core/plugin/plugin.h"
#include "core/plugin/relay.h"
#include "core/tsig/tsig.h"
#include "core/update/apply.h"
#include "plugins/file/journal_file.h"

namespace swage::plugins::file {

// What the Corefile says: update { … }.
struct UpdateOptions {
  config::Token directive;  // where it says so
  std::string secrets;      // the path of the file with the keys
  std::string journal;      // the path of the journal
  update::Settings settings{};
};

struct UpdateFigures {
  enum Kind : std::size_t {
    applied,
    unchanged,     // all was so already
    prerequisite,  // that did not hold
    refused,       // no rule permits it
    malformed,
    unverified,  // not signed as it should be
    failed       // SERVFAIL
  };
  metrics::Counters requests{};  // by Kind
  metrics::Gauge journal{};      // bytes
};

// A version of a zone, not published yet.
struct LoadedZone {
  shm::Segment image;                     // none, of a zone that is signed here: the version in force stays
  std::optional<shm::Segment> journal{};  // of the last changes, for IXFR; none: there is none, or nobody wants it
  // Of a zone that is signed here: the zone without what signs it, and when it has to be signed again (seconds since
  // 1970).
  std::shared_ptr<const shm::Segment> plain{};
  std::int64_t due = 0;
  swage::dnssec::SignedZone signatures{};
};

// The zone around it.
struct UpdatedZone {
  dns::Name apex;
  std::string path;                                              // of its file
  shm::Snapshot* snapshot = nullptr;                             // the version in force
  std::function<Result<shm::Segment>()> load;                    // reads the file; on any thread
  std::function<Result<LoadedZone>(shm::Segment)> with_journal;  // as what follows the version in force; on any thread
  std::function<Result<>(LoadedZone)> publish;                   // on the loop's thread
  // Of a zone that is signed when it is published: what it is without, which updates see and change; and the next
  // version of that, on any thread; and what became of that.
  std::function<std::shared_ptr<const shm::Segment>()> plain{};
  std::function<Result<LoadedZone>()> again{};
  std::function<void(const Result<>&)> signed_again{};
};

class Updater {
 public:
  Updater(UpdatedZone zone, UpdateOptions options, Fetch& fetch, UpdateFigures figures);

  // For Service::prepare(): reads the keys, and gives the zone as it is after all that the journal has. Writes nothing.
  // An Error where the zone is signed, keys or journal cannot be read, the journal could not be written, or belongs to
  // another file whose serial was as great.
  [[nodiscard]] Result<shm::Segment> begin_with(shm::Segment file_image);
  // For Service::run(): takes the journal over from the process before, then requests.
  [[nodiscard]] async::Task<Result<>> run(Host& host);
  // The zone file has changed. Where its serial is greater than the zone's, or there were no updates, it takes the
  // zone's place and the journal begins anew; soon, or after the batch that is under way. Else an Error, and the zone
  // stays.
  [[nodiscard]] Result<> take_file(shm::Segment image);
  // The next version is to be made though nothing has changed: soon, or after the batch that is under way. REQUIRES:
  // UpdatedZone::again.
  void make_again();

 private:
  struct Job {
    std::string request;  // of the relay's
    swage::tsig::Request signature{};
    dns::Rcode rcode = dns::Rcode::servfail;
    crypto::Digest digest{};
    update::Changes changes{};
    std::uint32_t serial = 0;           // after it
    std::vector<std::uint8_t> reply{};  // not signed yet; none: a response without records. To a query for the SOA
  };
  // What file and journal come to.
  struct Combined {
    std::optional<shm::Segment> image;  // none: that of the file
    update::JournalStart start{};       // of the file
    std::size_t whole = 0, size = 0;    // bytes of the journal
    bool anew = false;                  // the journal is to begin with this file
    std::map<crypto::Digest, std::int64_t> recent{};
  };

  [[nodiscard]] Result<> read_keys();
  [[nodiscard]] Result<Combined> combine(Bytes file_image) const;
  [[nodiscard]] Result<std::optional<LoadedZone>> take_over();
  [[nodiscard]] Result<bool> check_file(Bytes file_image) const;
  [[nodiscard]] async::Task<> adopt_next(Host& host);
  [[nodiscard]] async::Task<Result<>> adopt(Host& host, shm::Segment image);
  [[nodiscard]] async::Task<> publish_again(Host& host);
  [[nodiscard]] shm::Held plain() const;
  [[nodiscard]] Result<> check_signed(Bytes file_image) const;
  [[nodiscard]] Result<> check_newer(Bytes file_image, const update::JournalStart& start, std::uint32_t serial) const;
  [[nodiscard]] Result<shm::Segment> image_of(const update::EditedZone& zone) const;

  void take(const std::string& request);
  [[nodiscard]] std::vector<Job> next_batch();
  [[nodiscard]] async::Task<> serve_batch(Host& host, std::vector<Job> jobs);
  [[nodiscard]] async::Task<> serve_each(Host& host, std::vector<Job> jobs);
  [[nodiscard]] async::Task<> wait_until_in_force(Host& host);
  [[nodiscard]] async::Task<> answer_soon(Host& host, std::vector<Job> jobs);
  void answer_query(Job& job) const;
  void decide(Job& job, update::EditedZone& zone, std::int64_t now) const;
  [[nodiscard]] static std::vector<std::uint8_t> entries_of(const std::vector<Job>& jobs, std::int64_t now);
  void answer(const std::vector<Job>& jobs);
  void answer(const Job& job) const;
  void tell(const Job& job);
  void remember(const std::vector<Job>& jobs, std::int64_t now);
  [[nodiscard]] Result<> compact();

  UpdatedZone zone_;
  const UpdateOptions options_;
  Relay relay_;
  UpdateFigures figures_;
  swage::tsig::Ring keys_;
  JournalFile journal_;
  update::JournalStart start_{};     // of the journal
  std::size_t prepared_ = SIZE_MAX;  // the journal's size as begin_with() found it; SIZE_MAX: it is to begin anew
  std::size_t compact_at_ = 0;       // bytes
  std::map<crypto::Digest, std::int64_t> recent_;  // requests that have changed something, and when

  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  async::Event* wake_ = nullptr;
  std::optional<shm::Segment> next_file_;  // to be adopted after the batch
  bool again_ = false;                     // make_again() was called
  std::int64_t told_ = 0;                  // when a request that was not signed was last told of
  std::size_t untold_ = 0;
};

}  // namespace swage::plugins::file
