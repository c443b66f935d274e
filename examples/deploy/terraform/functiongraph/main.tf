# Huawei FunctionGraph. The keys are in HW_ACCESS_KEY and HW_SECRET_KEY.
terraform {
  required_providers {
    huaweicloud = { source = "huaweicloud/huaweicloud" }
  }
}

provider "huaweicloud" {
  region = "cn-north-4"
}

resource "huaweicloud_fgs_function" "shell" {
  name        = "bootstrap-shell"
  app         = "default"
  runtime     = "Custom"
  handler     = "index.main_handler"
  memory_size = 128
  timeout     = 3
  code_type   = "zip"
  # made by `bootstrapctl pack -platform functiongraph -o function.zip ../../../shell`
  func_code = filebase64("function.zip")

  user_data = jsonencode({
    BOOTSTRAP_LOG_LEVEL = "info"
  })
}
