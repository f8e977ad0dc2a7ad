output "url" {
  description = "Where the service answers"
  value       = "http://${aws_lb.web.dns_name}/"
}

output "load_balancer_dns" {
  description = "Name of the load balancer"
  value       = aws_lb.web.dns_name
}

output "target_group_arn" {
  description = "The instances behind the load balancer, and their health"
  value       = aws_lb_target_group.web.arn
}

output "auto_scaling_group_name" {
  description = "The group that keeps the instances"
  value       = aws_autoscaling_group.web.name
}

output "vpc_id" {
  description = "The network"
  value       = aws_vpc.main.id
}
