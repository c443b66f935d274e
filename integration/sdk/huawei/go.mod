module sdkhuawei

go 1.26.0

ignore ./node_modules

require bootstrap v0.0.0

replace bootstrap => ../../..
