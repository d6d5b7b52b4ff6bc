// What goes on about a folder of keys that the server manages (`keys DIR`): its parents are asked for DS records, what
// happens to keys is logged, and metrics say how they are. In the service process.
#pragma once

#include <vector>

#include "core/dnssec/key_folder.h"
#include "core/plugin/controller.h"
#include "core/signing/key_settings.h"

namespace swage::signing {

// In setup(), for zones whose keys are of `settings`; nothing where these are not managed, or another directive has
// asked for the same zone and folder.
void add_key_service(Controller& controller, const KeySettings& settings, const std::vector<dns::Name>& zones);

// What a nameserver of the parent has said: the RDATA of the DS records; an Error where it is not an answer to that.
[[nodiscard]] Result<std::vector<std::vector<std::uint8_t>>> read_ds_answer(Bytes message, const dns::Name& zone);

// Whether the parent has a DS of `key`, by all that its nameservers said: one answer each. Of a digest that is not
// known here, tag and algorithm count.
[[nodiscard]] dnssec::DsSight sight_of(const dnssec::Key& key,
                                       const std::vector<std::vector<std::vector<std::uint8_t>>>& answers);

}  // namespace swage::signing
