package record

import "math"

// The parts of the IEEE 754 formats, in bits.
const (
	halfFraction   = 10
	halfBias       = 15
	singleFraction = 23
	singleBias     = 127
)

// toHalf returns f in half precision if that keeps it exactly. f is no NaN.
func toHalf(f float32) (uint16, bool) {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	exponent := int(bits>>singleFraction&0xff) - singleBias
	fraction := bits & (1<<singleFraction - 1)
	const lost = singleFraction - halfFraction

	switch {
	case f == 0:
		return sign, true
	case math.IsInf(float64(f), 0):
		return sign | 0x7c00, true
	case exponent > halfBias || exponent < 1-halfBias-halfFraction:
		return 0, false
	case exponent > -halfBias: // a normal number
		half := sign | uint16(exponent+halfBias)<<halfFraction | uint16(fraction>>lost)
		return half, fraction&(1<<lost-1) == 0
	}
	// Below, a half has no hidden bit: the fraction gets it, and moves to the right.
	fraction |= 1 << singleFraction
	shift := lost + 1 - halfBias - exponent
	return sign | uint16(fraction>>shift), fraction&(1<<shift-1) == 0
}

// fromHalf returns the value of a number in half precision.
func fromHalf(half uint16) float64 {
	exponent := int(half >> halfFraction & 0x1f)
	fraction := float64(half & (1<<halfFraction - 1))
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, 1-halfBias-halfFraction)
	case 0x1f:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(1<<halfFraction+fraction, exponent-halfBias-halfFraction)
	}
	if half&0x8000 != 0 {
		return math.Copysign(f, -1)
	}
	return f
}
