// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

#define SYS_arch_prctl	158
#define ARCH_SET_FS	0x1002

// entry is where the kernel starts the program: 0(SP) is argc, argv follows, then
// a nil, then the environment (System V ABI for AMD64, 3.4.1). Go's own entry point
// reads it from there, too.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	// A call from assembly to Go loads g from the thread-local storage, 8 bytes
	// below FS. Go's own entry sets FS to its own later.
	MOVQ	$SYS_arch_prctl, AX
	MOVQ	$ARCH_SET_FS, DI
	LEAQ	·thread+8(SB), SI
	SYSCALL
	MOVQ	SP, AX
	SUBQ	$256, SP	// room for what passThrough puts before the environment
	ANDQ	$~15, SP
	MOVQ	AX, 0(SP)
	CALL	·passThrough(SB)
	MOVQ	8(SP), SP	// where argc is now
	JMP	_rt0_amd64_linux(SB)
