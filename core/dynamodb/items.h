// Requests to DynamoDB (API version 2012-08-10) and its replies as JSON, for items as p2p-forge has them:
//
//     {"DSKey": {"S": "/" + peer ID in base58}, "Value": {"B": the TXT value}, "Size": {"N": its bytes},
//      "Expiration": {"N": seconds since 1970}}
//
// No I/O. Internal to core/dynamodb.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/dynamodb/values.h"
#include "core/result.h"

namespace swage::dynamodb {

[[nodiscard]] std::string get_text(const std::string& table, const std::string& peer);
[[nodiscard]] std::string put_text(const std::string& table, const std::string& peer, const Item& item);

// What a reply to the first says; nothing where there is no such item.
[[nodiscard]] Result<std::optional<Item>> item_in(std::string_view reply);

// What a reply with another status than 200 says: "ResourceNotFoundException: Requested resource not found".
[[nodiscard]] std::string problem_in(unsigned status, std::string_view reply);

}  // namespace swage::dynamodb
