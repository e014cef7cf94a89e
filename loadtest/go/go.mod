module lakh/loadtest

go 1.21
