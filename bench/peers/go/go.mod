module gait/peers

go 1.19
