export const figures = () => ({ element: document.createElement('div') });
