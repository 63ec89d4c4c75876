"""A drawn world that knows the truth about itself: story scenes and fashion looks from a description.

It is what the miniature models are trained on and validated against: every picture comes with its description,
captions, face boxes with landmarks, poses, boxes of props and a mask per garment.
"""
