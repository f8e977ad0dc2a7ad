#include "services/cloudformation/template/template.h"

#include <gtest/gtest.h>

#include "services/cloudformation/template/evaluate.h"
#include "services/cloudformation/template/parameters.h"

namespace brume::cloudformation::templates {
namespace {

TEST(Parse, YamlAndJsonGiveTheSameTree) {
  const struct {
    const char *yaml, *json;
  } cases[] = {
      {"A: !Ref X", R"({"A":{"Ref":"X"}})"},
      {"A: !GetAtt X.Y.Z", R"({"A":{"Fn::GetAtt":["X","Y.Z"]}})"},
      {"A: !GetAtt [X, Y]", R"({"A":{"Fn::GetAtt":["X","Y"]}})"},
      {"A: !Sub\n  - '${a}'\n  - {a: !Ref B}", R"({"A":{"Fn::Sub":["${a}",{"a":{"Ref":"B"}}]}})"},
      {"A: !If [C, 1, !Ref AWS::NoValue]", R"({"A":{"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}})"},
      {"A: True\nB: 2012-10-17\nC: '007'\nD: 1.50", R"({"A":true,"B":"2012-10-17","C":"007","D":1.50})"},
      {"A: !Condition C", R"({"A":{"Condition":"C"}})"},
      {"A: |\n  x\n  y\n", R"({"A":"x\ny\n"})"},
      {"A: \"\\u00e9\"", R"({"A":"\u00e9"})"},
  };
  for (const auto& c : cases) {
    auto yaml = parse_text(c.yaml);
    auto json = parse_text(c.json);
    ASSERT_TRUE(yaml) << c.yaml << ": " << yaml.error().message;
    ASSERT_TRUE(json) << c.json << ": " << json.error().message;
    EXPECT_TRUE(*yaml == *json) << c.yaml << " is " << to_json_text(*yaml);
    EXPECT_EQ(to_json_text(*parse_json(to_json_text(*json))), to_json_text(*json));
  }
}

TEST(Parse, ErrorsNameTheLine) {
  const struct {
    const char *text, *message;
  } cases[] = {
      {"A: 1\nA: 2", "duplicate key 'A' (line 2)"},
      {"{\"A\": 1,\n\"A\": 2}", "duplicate key 'A' (line 2)"},
      {"A: &x 1\nB: *x", "YAML aliases are not allowed"},
      {"A: !Foo x", "the tag !Foo is not supported (line 1)"},
      {"A:\n  - b\n c: d", "(line 3)"},
      {"{\"A\": }", "JSON not well-formed"},
      {"{\"A\": 1} x", "JSON not well-formed"},
      {"{\"A\": 01}", "JSON not well-formed"},
      {"{\"A\": \"\\ud800\"}", "JSON not well-formed"},
      {"", "empty"},
      {"A:\n  ? [x]\n  : y", "a key must be a string"},
  };
  for (const auto& c : cases) {
    auto value = parse_text(c.text);
    ASSERT_FALSE(value) << c.text;
    EXPECT_EQ(value.error().code, "ValidationError");
    EXPECT_NE(value.error().message.find(c.message), std::string::npos) << c.text << ": " << value.error().message;
  }
}

TEST(Parse, SizeAndDepthAreBounded) {
  EXPECT_FALSE(parse_text("A: " + std::string(60'000, 'x')));
  EXPECT_FALSE(parse_text("A: " + std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(parse_text("{\"A\": " + std::string(100, '[') + std::string(100, ']') + "}"));
  EXPECT_FALSE(parse_text(std::string(20'000, '[')));
  EXPECT_FALSE(parse_text(std::string(20'000, '{')));
}

TEST(Template, FormErrors) {
  const struct {
    const char *text, *message;
  } cases[] = {
      {"Resources: {}", "At least one Resources member must be defined."},
      {"Foo: 1\nResources: {}", "Invalid template property or properties [Foo] (line 1)"},
      {"Resources:\n  A-b: {Type: T}", "Resource name A-b is non alphanumeric. (line 2)"},
      {"Resources:\n  A:\n    Properties: {}", "Every Resources object must contain a Type member. (line 2)"},
      {"Resources:\n  A:\n    Type: T\n    Propertys: {}", "unsupported attribute 'Propertys' (line 4)"},
      {"Resources:\n  A:\n    Type: T\n    Properties:\n      X:",
       "[/Resources/A/Properties/X] 'null' values are not allowed in templates (line 5)"},
      {"Resources:\n  A:\n    Type: T\n    DeletionPolicy: Snapshot", "Snapshot of Resource A is not supported"},
      {"Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: T}}", "the Transform section is not supported"},
      {"AWSTemplateFormatVersion: 2011-01-01\nResources: {A: {Type: T}}",
       "unsupported value for AWSTemplateFormatVersion"},
      {"Parameters: {P: {}}\nResources: {A: {Type: T}}",
       "Every Parameters object must contain a Type member: P (line 1)"},
      {"Outputs: {O: {}}\nResources: {A: {Type: T}}", "Every Outputs member must contain a Value object (line 1)"},
      {"- a", "unsupported structure"},
  };
  for (const auto& c : cases) {
    auto read = read_template(c.text);
    ASSERT_FALSE(read) << c.text;
    EXPECT_NE(read.error().message.find(c.message), std::string::npos) << c.text << ": " << read.error().message;
  }
}

class Functions : public testing::Test {
 protected:
  Functions() {
    auto read = read_template(R"(
Parameters: {P: {Type: String}, L: {Type: CommaDelimitedList}}
Mappings: {M: {a: {x: one, y: [1, 2]}}}
Conditions:
  Yes: !Equals [!Ref P, p]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition Yes, !Condition No]
Resources: {R: {Type: T}, S: {Type: T}}
)");
    source = *read;
    scope.source = &source;
    scope.parameters["P"] = Value::string("p");
    scope.parameters["L"] = Value::list({Value::string("l1"), Value::string("l2")});
    scope.parameters["AWS::Region"] = Value::string("r-1");
    scope.ref = [](const std::string& id) -> Result<Value> {
      return id == "S" ? Value::unknown() : Value::string("id-" + id);
    };
    scope.attribute = [](const std::string& id, const std::string& name) -> Result<Value> {
      return Value::string(id + "." + name);
    };
    scope.zones = [](const std::string&) -> Result<Value> {
      return Value::list({Value::string("a"), Value::string("b")});
    };
    scope.import = [](const std::string& name) -> Result<Value> { return Value::string("imported " + name); };
    scope.resolve = [](const std::string&, const std::string& name) -> Result<Value> {
      return Value::string("<" + name + ">");
    };
    EXPECT_TRUE(evaluate_conditions(scope));
  }
  std::string run(const std::string& text) {
    auto value = parse_yaml(text);
    if (!value) return value.error().message;
    auto out = evaluate(*value, scope);
    return out ? (out->is_unknown() ? "unknown" : to_json_text(*out)) : out.error().message;
  }
  Template source;
  Scope scope;
};

TEST_F(Functions, Table) {
  const struct {
    const char *text, *result;
  } cases[] = {
      {"!Ref P", "\"p\""},
      {"!Ref L", R"(["l1","l2"])"},
      {"!Ref R", "\"id-R\""},
      {"!Ref S", "unknown"},
      {"!Ref AWS::Region", "\"r-1\""},
      {"!GetAtt R.Arn.X", "\"R.Arn.X\""},
      {"!Sub '${P}-${R}-${R.Arn}-${!P}-$P'", "\"p-id-R-R.Arn-${P}-$P\""},
      {"!Sub ['${x}${P}', {x: !Ref R}]", "\"id-Rp\""},
      {"!Sub '${S}'", "unknown"},
      {"!Join ['-', [a, !Ref P, 3]]", "\"a-p-3\""},
      {"!Join ['-', !Ref L]", "\"l1-l2\""},
      {"!Join ['', []]", "\"\""},
      {"!Join ['', [a, !Ref S]]", "unknown"},
      {"!Select [1, !GetAZs '']", "\"b\""},
      {"!Select ['0', [x, y]]", "\"x\""},
      {"!Split ['|', 'a||b']", R"(["a","","b"])"},
      {"!Select [2, !Split [',', 'a,b,c']]", "\"c\""},
      {"!If [Yes, a, b]", "\"a\""},
      {"!If [No, a, b]", "\"b\""},
      {"!If [Both, a, b]", "\"b\""},
      {"!If [Either, a, b]", "\"a\""},
      {"{k: !If [No, a, !Ref AWS::NoValue], m: 1}", "{\"m\":1}"},
      {"[!Ref AWS::NoValue, 1]", "[1]"},
      {"!FindInMap [M, a, x]", "\"one\""},
      {"!FindInMap [M, a, y]", "[1,2]"},
      {"!FindInMap [M, zz, x, {DefaultValue: d}]", "\"d\""},
      {"!Base64 hello", "\"aGVsbG8=\""},
      {"!Cidr [10.0.0.0/16, 3, 8]", R"(["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"])"},
      {"!Cidr ['fd12:3456:789a:bc00::/56', 3, 64]",
       R"(["fd12:3456:789a:bc00::/64","fd12:3456:789a:bc01::/64","fd12:3456:789a:bc02::/64"])"},
      {"!Select [255, !Cidr ['2001:db8:1:ff00::1/56', 256, 64]]", "\"2001:db8:1:ffff::/64\""},
      {"!Cidr ['2001:db8::/126', 2, 1]", R"(["2001:db8::/127","2001:db8::2/127"])"},
      {"!ImportValue x", "\"imported x\""},
      {"'a{{resolve:ssm:n:1}}b'", "\"a<n:1>b\""},
      {"{Condition: {StringEquals: x}}", R"({"Condition":{"StringEquals":"x"}})"},
      // mistakes
      {"!Ref Nope",
       "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template (line "
       "1)"},
      {"!GetAtt Nope.Arn", "Template error: instance of Fn::GetAtt references undefined resource Nope (line 1)"},
      {"!Sub '${a b}'",
       "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, "
       "periods, and colons: ${a b} (line 1)"},
      {"!Select [5, [a]]", "Template error: Fn::Select cannot select nonexistent value at index 5 (line 1)"},
      {"!FindInMap [M, a, z]", "Template error: Unable to get mapping for M::a::z (line 1)"},
      {"!FindInMap [X, a, z]",
       "Template error: Mapping named 'X' is not present in the 'Mappings' section of template. (line 1)"},
      {"!Cidr [10.0.0.0/24, 3, 8]", "Template error: Fn::Cidr cannot cut 3 blocks of /24 out of 10.0.0.0/24 (line 1)"},
      {"!Cidr ['2001:db8::/63', 3, 64]",
       "Template error: Fn::Cidr cannot cut 3 blocks of /64 out of 2001:db8::/63 (line 1)"},
      {"!Cidr ['2001:db8::/64', 1, 128]",
       "Template error: Fn::Cidr's cidrBits must be between 1 and 127, not 128 (line 1)"},
      {"!Transform x", "Template error: Fn::Transform needs a transform, which is not supported (line 1)"},
      {"'{{resolve:secretsmanager:x}}'",
       "Template error: dynamic references to secretsmanager are not supported, only to ssm (line 1)"},
      {"{'Fn::Ref': x}",
       "Template error: Encountered unsupported function: Fn::Ref Supported functions are: [Fn::Base64, Fn::GetAtt, "
       "Fn::GetAZs, "
       "Fn::ImportValue, Fn::Join, Fn::Select, Fn::Split, Fn::FindInMap, Fn::Sub, Fn::If, Fn::Equals, Fn::And, Fn::Or, "
       "Fn::Not, Fn::Cidr] (line 1)"},
  };
  for (const auto& c : cases) EXPECT_EQ(run(c.text), c.result) << c.text;
}

TEST(Conditions, CirclesAreRefused) {
  auto read = read_template("Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\nResources: {R: {Type: T}}");
  ASSERT_TRUE(read);
  Scope scope{.source = &*read};
  auto done = evaluate_conditions(scope);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("Circular dependency"), std::string::npos);
}

TEST(Parameters, Table) {
  const auto bind = [](const std::string& declaration, std::map<std::string, std::string> given) -> std::string {
    auto read = read_template("Parameters:\n  P: " + declaration + "\nResources: {R: {Type: T}}");
    if (!read) return read.error().message;
    auto bound = bind_parameters(*read, given, [](const std::string& name) -> Result<std::string> {
      if (name == "/image") return "ami-1";
      return fail("ValidationError", "no {}", name);
    });
    return bound ? to_json_text(bound->at("P").value) : bound.error().message;
  };
  const struct {
    const char *declaration, *given, *result;
  } cases[] = {
      {"{Type: String}", "x", "\"x\""},
      {"{Type: String, Default: d}", nullptr, "\"d\""},
      {"{Type: String}", nullptr, "Parameters: [P] must have values"},
      {"{Type: Number}", "12", "\"12\""},
      {"{Type: Number}", "x", "Parameter 'P' must be a number."},
      {"{Type: Number, MinValue: 2}", "1", "Parameter 'P' must be a number not less than 2"},
      {"{Type: Number, MaxValue: 2}", "3", "Parameter 'P' must be a number not greater than 2"},
      {"{Type: String, MinLength: 2}", "x", "Parameter 'P' must contain at least 2 characters"},
      {"{Type: String, MaxLength: 2}", "xyz", "Parameter 'P' must contain at most 2 characters"},
      {"{Type: String, AllowedValues: [a, b]}", "c", "Parameter 'P' must be one of AllowedValues: [a, b]"},
      {"{Type: String, AllowedPattern: '[a-z]+'}", "1", "Parameter 'P' must match pattern [a-z]+"},
      {"{Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: letters only}", "1",
       "Parameter P failed to satisfy constraint: letters only"},
      {"{Type: String, AllowedPattern: '(a+)+b'}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
       "Parameter 'P' must match pattern (a+)+b"},
      {"{Type: String, AllowedPattern: '('}", "a",
       "Template format error: AllowedPattern of parameter P is not a valid regular expression (line 2)"},
      {"{Type: CommaDelimitedList}", "a, b", R"(["a","b"])"},
      {"{Type: List<Number>}", "1,2", R"(["1","2"])"},
      {"{Type: List<Number>}", "1,x", "Parameter 'P' must be a number."},
      {"{Type: List<AWS::EC2::Subnet::Id>}", "subnet-1,subnet-2", R"(["subnet-1","subnet-2"])"},
      {"{Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'}", "/image", "\"ami-1\""},
      {"{Type: 'AWS::SSM::Parameter::Value<List<String>>'}", "/image", R"(["ami-1"])"},
      {"{Type: 'AWS::SSM::Parameter::Value<String>'}", "/none", "no /none"},
      {"{Type: Strange}", "x", "Template format error: Unrecognized parameter type: Strange of parameter P (line 2)"},
  };
  for (const auto& c : cases) {
    std::map<std::string, std::string> given;
    if (c.given) given["P"] = c.given;
    EXPECT_EQ(bind(c.declaration, given), c.result) << c.declaration;
  }
  EXPECT_EQ(bind("{Type: String}", {{"P", "x"}, {"Q", "y"}}), "Parameters: [Q] do not exist in the template");
}

}  // namespace
}  // namespace brume::cloudformation::templates
