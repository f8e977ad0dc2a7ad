# The instances, and the way in.

data "aws_ssm_parameter" "image" {
  name = var.image_parameter
}

data "aws_region" "current" {}

resource "aws_launch_template" "web" {
  name_prefix            = "${var.name}-"
  image_id               = data.aws_ssm_parameter.image.insecure_value
  instance_type          = var.instance_type
  vpc_security_group_ids = [aws_security_group.instance.id]
  update_default_version = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.instance.arn
  }

  # Metrics each minute instead of each five: the group is to follow its load.
  monitoring {
    enabled = true
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  user_data = base64encode(templatefile("${path.module}/user_data.sh.tftpl", {
    app_version = var.app_version
    environment = var.environment
    region      = data.aws_region.current.name
  }))
}

resource "aws_autoscaling_group" "web" {
  name_prefix               = "${var.name}-"
  min_size                  = var.min_size
  max_size                  = var.max_size
  desired_capacity          = var.desired_capacity
  vpc_zone_identifier       = [for subnet in aws_subnet.public : subnet.id]
  target_group_arns         = [aws_lb_target_group.web.arn]
  health_check_type         = "ELB"
  health_check_grace_period = var.health_check_grace_period
  default_instance_warmup   = 60
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances"]

  lifecycle {
    ignore_changes = [desired_capacity] # the policy's business
  }

  launch_template {
    id      = aws_launch_template.web.id
    version = aws_launch_template.web.latest_version
  }

  # A new launch template replaces the instances, one at a time.
  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = 50
    }
  }

  dynamic "tag" {
    for_each = { Name = "${var.name}-instance", Environment = var.environment }
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  # Instances answer health checks only once there are a way out of the subnets, the rules that let the load balancer
  # in, and a listener that uses the target group.
  depends_on = [
    aws_route.default,
    aws_route_table_association.public,
    aws_network_acl_association.public,
    aws_network_acl_rule.inbound,
    aws_network_acl_rule.outbound,
    aws_vpc_security_group_ingress_rule.instance_http,
    aws_vpc_security_group_egress_rule.load_balancer,
    aws_vpc_security_group_egress_rule.instance,
    aws_iam_role_policy_attachment.instance,
    aws_lb_listener.http,
  ]
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "${var.name}-cpu"
  autoscaling_group_name = aws_autoscaling_group.web.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 50
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_lb" "web" {
  name_prefix        = "${trimsuffix(substr(var.name, 0, 5), "-")}-"
  load_balancer_type = "application"
  internal           = false
  subnets            = [for subnet in aws_subnet.public : subnet.id]
  security_groups    = [aws_security_group.load_balancer.id]

  depends_on = [aws_route.default]
}

resource "aws_lb_target_group" "web" {
  name_prefix          = "${trimsuffix(substr(var.name, 0, 5), "-")}-"
  vpc_id               = aws_vpc.main.id
  target_type          = "instance"
  protocol             = "HTTP"
  port                 = 80
  deregistration_delay = var.deregistration_delay

  health_check {
    protocol            = "HTTP"
    path                = "/healthz"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.web.arn
  protocol          = "HTTP"
  port              = var.listener_port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}
