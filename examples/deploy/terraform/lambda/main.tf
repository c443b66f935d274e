# AWS Lambda. The keys are where the AWS CLI has them.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_iam_role" "shell" {
  name = "bootstrap-shell"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "log" {
  role       = aws_iam_role.shell.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "shell" {
  function_name    = "bootstrap-shell"
  role             = aws_iam_role.shell.arn
  runtime          = "provided.al2023"
  architectures    = ["x86_64"]
  handler          = "index.main_handler"
  memory_size      = 128
  timeout          = 3
  filename         = "function.zip" # made by `bootstrapctl pack -platform lambda -o function.zip ../../../shell`
  source_code_hash = filebase64sha256("function.zip")

  environment {
    variables = {
      BOOTSTRAP_LOG_LEVEL = "info"
    }
  }
}
