module sdkhuawei

go 1.26.0
