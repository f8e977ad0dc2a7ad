// The published protocol cases that do not apply to Brume, each with its reason.
#pragma once

#include <cstdint>
#include <string_view>

enum class Side : std::uint8_t { server, client, both };

struct Exception {
  std::string_view id;
  Side side;
  std::string_view reason;
};

inline constexpr std::string_view kGzip = "the case gives no body; our client does not compress";
inline constexpr std::string_view kDocument = "free-form documents: no service of ours has a member of this type";
inline constexpr std::string_view kJsonValue = "JSON in a header (jsonvalue): no service of ours has it";
inline constexpr std::string_view kToken = "the case's client makes up a token; ours leaves tokens to the caller";
inline constexpr std::string_view kEndpointPath =
    "the path is the endpoint's: our client's endpoints are host and port";
inline constexpr std::string_view kInvisible =
    "an empty list or map that the request does not show cannot be read from it";
inline constexpr std::string_view kEmptyPayload =
    "an absent payload is sent as {}, which is an empty structure to a server";
inline constexpr std::string_view kQueryMap =
    "a map of the query holds the parameters that have members of their own, too";
inline constexpr std::string_view kChecksum = "our client sends no Content-MD5: SigV4 covers the body";
inline constexpr std::string_view kEmptyPrefix = "an empty prefix also takes the headers that every answer of ours has";

inline constexpr Exception kExceptions[] = {
    {"SDKAppliedContentEncoding_awsQuery", Side::both, kGzip},
    {"SDKAppliedContentEncoding_ec2Query", Side::both, kGzip},
    {"SDKAppliedContentEncoding_awsJson1_0", Side::both, kGzip},
    {"SDKAppliedContentEncoding_awsJson1_1", Side::both, kGzip},
    {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery", Side::both, kGzip},
    {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query", Side::both, kGzip},
    {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0", Side::both, kGzip},
    {"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1", Side::both, kGzip},
    {"SDKAppliedContentEncoding_restJson1", Side::both, kGzip},
    {"SDKAppendedGzipAfterProvidedEncoding_restJson1", Side::both, kGzip},
    {"DocumentTypeInputWithObject", Side::both, kDocument},
    {"DocumentInputWithString", Side::both, kDocument},
    {"DocumentInputWithNumber", Side::both, kDocument},
    {"DocumentInputWithBoolean", Side::both, kDocument},
    {"DocumentInputWithList", Side::both, kDocument},
    {"DocumentTypeAsMapValueInput", Side::both, kDocument},
    {"DocumentTypeAsPayloadInput", Side::both, kDocument},
    {"DocumentTypeAsPayloadInputString", Side::both, kDocument},
    {"PutAndGetInlineDocumentsInput", Side::both, kDocument},
    {"DocumentOutput", Side::both, kDocument},
    {"DocumentOutputString", Side::both, kDocument},
    {"DocumentOutputNumber", Side::both, kDocument},
    {"DocumentOutputBoolean", Side::both, kDocument},
    {"DocumentOutputArray", Side::both, kDocument},
    {"DocumentTypeAsMapValueOutput", Side::both, kDocument},
    {"DocumentTypeAsPayloadOutput", Side::both, kDocument},
    {"DocumentTypeAsPayloadOutputString", Side::both, kDocument},
    {"MediaTypeHeaderInputBase64", Side::both, kJsonValue},
    {"MediaTypeHeaderOutputBase64", Side::both, kJsonValue},
    {"QueryProtocolIdempotencyTokenAutoFill", Side::both, kToken},
    {"Ec2ProtocolIdempotencyTokenAutoFill", Side::both, kToken},
    {"RestJsonQueryIdempotencyTokenAutoFill", Side::both, kToken},
    {"QueryHostWithPath", Side::client, kEndpointPath},
    {"Ec2QueryHostWithPath", Side::client, kEndpointPath},
    {"AwsJson10HostWithPath", Side::client, kEndpointPath},
    {"AwsJson11HostWithPath", Side::client, kEndpointPath},
    {"RestJsonHostWithPath", Side::client, kEndpointPath},
    {"Ec2EmptyQueryLists", Side::server, kInvisible},
    {"QueryEmptyQueryMaps", Side::server, kInvisible},
    {"RestJsonHttpPrefixHeadersAreNotPresent", Side::server, kInvisible},
    {"RestJsonOmitsEmptyListQueryValues", Side::server, kInvisible},
    {"RestJsonHttpWithEmptyStructurePayload", Side::server, kEmptyPayload},
    {"RestJsonHttpWithHeadersButNoPayload", Side::server, kEmptyPayload},
    {"RestJsonQueryPrecedence", Side::server, kQueryMap},
    {"RestJsonQueryParamsStringListMap", Side::server, kQueryMap},
    {"RestJsonHttpChecksumRequired", Side::client, kChecksum},
    {"HttpPrefixHeadersResponse", Side::server, kEmptyPrefix},
};

inline const Exception* exception_of(std::string_view id, Side side) {
  for (const Exception& exception : kExceptions)
    if (exception.id == id && (exception.side == Side::both || exception.side == side)) return &exception;
  return nullptr;
}
