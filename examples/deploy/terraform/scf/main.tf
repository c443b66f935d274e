# Tencent SCF. The keys are in TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.
terraform {
  required_providers {
    tencentcloud = { source = "tencentcloudstack/tencentcloud" }
  }
}

provider "tencentcloud" {
  region = "ap-guangzhou"
}

resource "tencentcloud_scf_function" "shell" {
  name     = "bootstrap-shell"
  runtime  = "CustomRuntime"
  handler  = "index.main_handler"
  mem_size = 128
  timeout  = 3
  zip_file = "function.zip" # made by `bootstrapctl pack -o function.zip ../../../shell`

  environment = {
    BOOTSTRAP_LOG_LEVEL = "info"
  }
}
