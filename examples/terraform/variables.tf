variable "name" {
  description = "Begins the names of what is made"
  type        = string
  default     = "web"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "A name is at most 20 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "environment" {
  description = "Name of the environment; it is in the tags, and the application shows it"
  type        = string
  default     = "staging"
}

variable "app_version" {
  description = "Version of the application, as it shows it"
  type        = string
  default     = "1.0.0"
}

variable "image_parameter" {
  description = "Name of the SSM parameter that holds the id of an image with Node.js and the application in /opt/web"
  type        = string
  default     = "/web/image"
}

variable "instance_type" {
  description = "Instance type"
  type        = string
  default     = "t2.micro"
}

variable "min_size" {
  description = "Smallest number of instances"
  type        = number
  default     = 2
}

variable "max_size" {
  description = "Largest number of instances"
  type        = number
  default     = 5
}

variable "desired_capacity" {
  description = "Number of instances to begin with"
  type        = number
  default     = 2
}

variable "management_cidr" {
  description = "The only addresses that reach the instances' ports 22 and 3389; by default those in the VPC itself"
  type        = string
  default     = "10.0.0.0/16"
  validation {
    condition     = can(cidrhost(var.management_cidr, 0))
    error_message = "An address range like 203.0.113.0/24."
  }
}

variable "health_check_grace_period" {
  description = "Seconds that a new instance has before a failed health check replaces it"
  type        = number
  default     = 60
}

variable "deregistration_delay" {
  description = "Seconds that requests under way have to end when an instance leaves"
  type        = number
  default     = 15
}

variable "listener_port" {
  description = "Port on which the load balancer listens"
  type        = number
  default     = 80
}
