# One VPC, a public subnet in each of two zones, and what may enter them.

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  subnets = {
    for index, cidr in ["10.0.101.0/24", "10.0.102.0/24"] :
    tostring(index + 1) => { cidr = cidr, zone = data.aws_availability_zones.available.names[index] }
  }
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each                = local.subnets
  vpc_id                  = aws_vpc.main.id
  cidr_block              = each.value.cidr
  availability_zone       = each.value.zone
  map_public_ip_on_launch = true
  tags                    = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = var.name }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${var.name}-public" }
}

resource "aws_route" "default" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

# The list knows no connections, so answers to what the instances ask for outside need an entry too: the ports from
# which Linux opens connections. Port 3389 is not among them.
locals {
  inbound = {
    "100" = { protocol = "-1", cidr = aws_vpc.main.cidr_block, from = 0, to = 0 }
    "110" = { protocol = "6", cidr = "0.0.0.0/0", from = var.listener_port, to = var.listener_port }
    "120" = { protocol = "6", cidr = var.management_cidr, from = 22, to = 22 }
    "130" = { protocol = "6", cidr = var.management_cidr, from = 3389, to = 3389 }
    "140" = { protocol = "6", cidr = "0.0.0.0/0", from = 32768, to = 65535 }
  }
}

resource "aws_network_acl" "public" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${var.name}-public" }
}

resource "aws_network_acl_rule" "inbound" {
  for_each       = local.inbound
  network_acl_id = aws_network_acl.public.id
  rule_number    = tonumber(each.key)
  egress         = false
  protocol       = each.value.protocol
  rule_action    = "allow"
  cidr_block     = each.value.cidr
  from_port      = each.value.from
  to_port        = each.value.to
}

resource "aws_network_acl_rule" "outbound" {
  network_acl_id = aws_network_acl.public.id
  rule_number    = 100
  egress         = true
  protocol       = "-1"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = 0
  to_port        = 0
}

resource "aws_network_acl_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  network_acl_id = aws_network_acl.public.id
}
