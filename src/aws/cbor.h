// CBOR (RFC 8949) bodies of Smithy's rpc-v2-cbor protocol.
//
// Reading is strict: well-formed, UTF-8 checked, nesting at most 32 deep, no trailing bytes, lengths checked against
// what is left before anything is allocated. Unknown members are passed over, null is absence. Writing uses definite
// lengths.
#pragma once

#include <string>
#include <string_view>

#include "base/reflect.h"
#include "base/result.h"

namespace brume::aws {

std::string write_cbor(const Shape& shape, const void* value);
// Errors: SerializationException, naming the place.
Result<void> read_cbor(const Shape& shape, void* value, std::string_view bytes);

// An error's body, {"__type": …, "message": …}, and back. Reading never fails: what is not there is empty.
std::string write_cbor_error(std::string_view type, std::string_view message);
std::pair<std::string, std::string> read_cbor_error(std::string_view bytes);

}  // namespace brume::aws
