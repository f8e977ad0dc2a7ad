terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# Everything about where and as whom comes from the environment: AWS_ENDPOINT_URL, AWS_REGION and the keys, as `brume
# env` prints them, or as they are for AWS itself.
provider "aws" {
  default_tags {
    tags = {
      Environment = var.environment
    }
  }
}
