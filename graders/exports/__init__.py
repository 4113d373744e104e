"""A lab in the forms that courses need: for students, for Gradescope, for GitHub Actions."""

from graders.exports.courses import for_github, for_gradescope
from graders.exports.students import for_students

__all__ = ["for_github", "for_gradescope", "for_students"]
