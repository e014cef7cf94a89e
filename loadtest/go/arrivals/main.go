// Sends requests at a constant rate, whatever the answers take, and prints what they took as one line of JSON.
// Arguments: port, file of paths, requests a second, seconds, connections.
//
// Each request has a moment at which it is due, fixed before the first is sent. It takes the connection that has been free for longest, so
// that none is idle until its server closes it; where none is free it waits, and that is part of what it took: a server that stops for a
// while is charged with everybody who came meanwhile. A request that is sent late although a connection was free is the generator's own
// fault, and is counted apart ("late").
//
// One thread that never sleeps: on a core of its own it sees an answer when it comes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	answerLimit = 5 * time.Second
	bufferBytes = 16 * 1024
	wanted      = "HTTP/1.1 301 "
)

type connection struct {
	fd        int
	due       time.Duration
	freeSince time.Duration
	buffer    [bufferBytes]byte
	filled    int
}

type arguments struct {
	port        int
	requests    [][]byte
	interval    time.Duration
	seconds     time.Duration
	connections int
}

// Microseconds from the moment at which a request was due to its whole answer; "late": to its sending, where a connection was free.
type report struct {
	Requests   int     `json:"requests"`
	DurationUs float64 `json:"durationUs"`
	P50Us      float64 `json:"p50Us"`
	P99Us      float64 `json:"p99Us"`
	P999Us     float64 `json:"p999Us"`
	MaxUs      float64 `json:"maxUs"`
	LateP99Us  float64 `json:"lateP99Us"`
}

func main() {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	result, err := run(read(os.Args[1:]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

func read(args []string) arguments {
	numbers := make([]int, len(args))
	for i, arg := range args {
		numbers[i], _ = strconv.Atoi(arg)
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		panic(err)
	}
	var requests [][]byte
	for _, path := range strings.Fields(string(text)) {
		requests = append(requests, []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, numbers[0])))
	}
	return arguments{
		port:        numbers[0],
		requests:    requests,
		interval:    time.Second / time.Duration(numbers[2]),
		seconds:     time.Duration(numbers[3]) * time.Second,
		connections: numbers[4],
	}
}

func run(args arguments) (report, error) {
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return report{}, err
	}
	free := make(chan *connection, args.connections)
	byFd := map[int]*connection{}
	for i := 0; i < args.connections; i++ {
		fd, err := connect(args.port)
		if err != nil {
			return report{}, fmt.Errorf("cannot connect: %w", err)
		}
		byFd[fd] = &connection{fd: fd}
		free <- byFd[fd]
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
			return report{}, err
		}
	}
	return exchange(args, poll, free, byFd)
}

func exchange(args arguments, poll int, free chan *connection, byFd map[int]*connection) (report, error) {
	total := int(args.seconds / args.interval)
	took := make([]int64, 0, total)
	late := make([]int64, 0, total)
	events := make([]syscall.EpollEvent, cap(free))
	sent := 0
	start := time.Now()
	heard := time.Duration(0)
	for len(took) < total {
		now := time.Since(start)
		for sent < total && len(free) > 0 && args.interval*time.Duration(sent) <= now {
			one := <-free
			one.due = args.interval * time.Duration(sent)
			late = append(late, int64(now-max(one.due, one.freeSince)))
			if err := one.send(args.requests[sent%len(args.requests)]); err != nil {
				return report{}, err
			}
			sent++
			now = time.Since(start)
		}
		count, err := syscall.EpollWait(poll, events, 0)
		if err != nil && err != syscall.EINTR {
			return report{}, err
		}
		if count <= 0 {
			if sent > len(took) && now-heard > answerLimit {
				return report{}, fmt.Errorf("no answer within %s to %d of %d requests", answerLimit, sent-len(took), sent)
			}
			// Whoever shares this core gets it; where nobody does, it costs next to nothing.
			syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
			continue
		}
		for _, event := range events[:count] {
			one := byFd[int(event.Fd)]
			whole, err := one.receive()
			if err != nil {
				return report{}, err
			}
			if whole {
				heard = time.Since(start)
				took = append(took, int64(heard-one.due))
				one.freeSince = heard
				free <- one
			}
		}
	}
	return summary(took, late, time.Since(start)), nil
}

func summary(took, late []int64, duration time.Duration) report {
	if len(took) == 0 {
		return report{}
	}
	for _, values := range [][]int64{took, late} {
		sort.Slice(values, func(a, b int) bool { return values[a] < values[b] })
	}
	at := func(values []int64, perThousand int) float64 {
		rank := (len(values)*perThousand + 999) / 1000
		return float64(values[rank-1]) / 1000
	}
	return report{
		Requests:   len(took),
		DurationUs: float64(duration.Microseconds()),
		P50Us:      at(took, 500),
		P99Us:      at(took, 990),
		P999Us:     at(took, 999),
		MaxUs:      at(took, 1000),
		LateP99Us:  at(late, 990),
	}
}

func connect(port int) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return 0, err
	}
	return fd, syscall.SetNonblock(fd, true)
}

func (one *connection) send(request []byte) error {
	// A request is far smaller than an empty buffer of the kernel's.
	written, err := syscall.Write(one.fd, request)
	if err == nil && written != len(request) {
		err = fmt.Errorf("wrote %d of %d bytes", written, len(request))
	}
	return err
}

// Whether the answer is whole now.
func (one *connection) receive() (bool, error) {
	read, err := syscall.Read(one.fd, one.buffer[one.filled:])
	if err == syscall.EAGAIN || err == syscall.EINTR {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if read == 0 {
		return false, fmt.Errorf("a connection was closed, or an answer is longer than %d bytes", bufferBytes)
	}
	one.filled += read
	length, err := lengthOf(one.buffer[:one.filled])
	if err != nil || length == 0 || one.filled < length {
		return false, err
	}
	if one.filled > length {
		return false, fmt.Errorf("more than one answer to a request")
	}
	one.filled = 0
	return true, nil
}
